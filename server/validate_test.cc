#include "server/validate.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

TEST(Validate, RequiredFieldMustBeThere) {
  EXPECT_OK(RequireField("key", "x"));
  absl::Status missing = RequireField("key", "");
  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kInvalidArgument, "key: is required"));
  EXPECT_EQ(DetailOf(missing).field_violations(0).field(), "key");
}

TEST(Validate, RequestIdIsCountedInCharacters) {
  std::string accents;
  for (int i = 0; i < kMaxRequestIdCharacters; ++i) accents += "\xc3\xa9";
  EXPECT_OK(ValidateRequestId(accents));
  EXPECT_OK(ValidateRequestId(""));
  EXPECT_THAT(ValidateRequestId(accents + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("129 characters")));
}

TEST(Validate, RangeIncludesBothEnds) {
  EXPECT_OK(ValidateRange("streams", 0, 0, 64));
  EXPECT_OK(ValidateRange("streams", 64, 0, 64));
  EXPECT_THAT(ValidateRange("streams", 65, 0, 64),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from 0 to 64")));
  EXPECT_THAT(ValidateRange("streams", -1, 0, 64), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Validate, OnlyANumberOrAUidLasts) {
  EXPECT_OK(RequireLastingReference("0"));
  EXPECT_OK(RequireLastingReference("12"));
  EXPECT_OK(RequireLastingReference("uid:00112233445566778899aabbccddeeff"));
  for (const char* reference : {"", "latest", "prod", "-1", "1.5", "best"}) {
    EXPECT_THAT(RequireLastingReference(reference),
                HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD))
        << reference;
  }
}

}  // namespace
}  // namespace cairn::server
