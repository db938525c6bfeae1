#include "client/payload_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PayloadCursorTest, PartsMaySpanRanges) {
  const std::vector<absl::string_view> payload = {"abc", "", "defg"};
  PayloadCursor cursor(payload);
  std::vector<absl::string_view> first, second;
  ASSERT_TRUE(cursor.Take(4, &first));
  EXPECT_THAT(first, ElementsAre("abc", "d"));
  EXPECT_FALSE(cursor.at_end());
  ASSERT_TRUE(cursor.Take(3, &second));
  EXPECT_THAT(second, ElementsAre("efg"));
  EXPECT_TRUE(cursor.at_end());
}

TEST(PayloadCursorTest, APartMayBeEmpty) {
  PayloadCursor cursor({});
  std::vector<absl::string_view> ranges;
  EXPECT_TRUE(cursor.Take(0, &ranges));
  EXPECT_THAT(ranges, IsEmpty());
  EXPECT_TRUE(cursor.at_end());
}

TEST(PayloadCursorTest, RefusesLengthsThatThePayloadDoesNotHave) {
  const std::vector<absl::string_view> payload = {"abc"};
  std::vector<absl::string_view> ranges;
  EXPECT_FALSE(PayloadCursor(payload).Take(4, &ranges));
  EXPECT_FALSE(PayloadCursor(payload).Take(-1, &ranges));
}

}  // namespace
}  // namespace cairn
