#include "storage/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

TEST(ReferenceTest, EveryFormIsRead) {
  const std::string hex = "00112233445566778899aabbccddeeff";
  EXPECT_THAT(ParseReference(""), IsOkAndHolds(Reference(LatestReference{})));
  EXPECT_THAT(ParseReference("latest"), IsOkAndHolds(Reference(LatestReference{})));
  EXPECT_THAT(ParseReference("0"), IsOkAndHolds(Reference(int64_t{0})));
  EXPECT_THAT(ParseReference("9223372036854775807"),
              IsOkAndHolds(Reference(int64_t{9223372036854775807})));
  EXPECT_THAT(ParseReference("prod"), IsOkAndHolds(Reference(TagReference{"prod"})));
  EXPECT_THAT(ParseReference("a" + std::string(62, '-')), IsOk());
  EXPECT_THAT(ParseReference("uid:" + hex), IsOkAndHolds(Reference(*Uid::FromHex(hex))));
}

TEST(ReferenceTest, OtherFormsAreReserved) {
  for (const std::string& text :
       {std::string("-1"), std::string("+1"), std::string("1.5"), std::string("1e3"),
        std::string("9223372036854775808"), std::string("Prod"), std::string("-prod"),
        std::string("a_b"), std::string(64, 'a'), std::string("uid:12"),
        std::string("uid:00112233445566778899AABBCCDDEEFF"), std::string("a\0b", 3),
        std::string(" "), std::string("latest~1")}) {
    EXPECT_THAT(ParseReference(text), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD)) << text;
  }
  EXPECT_THAT(ParseReference("best"), HasReason(ErrorReason::ERROR_REASON_NOT_YET));
}

}  // namespace
}  // namespace cairn::storage
