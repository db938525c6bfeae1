#include "base/error.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

TEST(ErrorTest, CarriesReasonAndMetadata) {
  absl::Status status = MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN,
                                  absl::StatusCode::kAlreadyExists, "in use", {{"number", "7"}});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, "in use"));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
  EXPECT_EQ(DetailOf(status).metadata().at("number"), "7");
}

TEST(ErrorTest, ContextKeepsCodeAndDetail) {
  absl::Status status = WithContext(InvalidField("key", "is empty"), "saving runs/a");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "saving runs/a: key: is empty"));
  EXPECT_EQ(DetailOf(status).field_violations(0).field(), "key");
}

TEST(ErrorTest, ContextOnOkStaysOk) { EXPECT_OK(WithContext(absl::OkStatus(), "anything")); }

TEST(ErrorTest, StatusWithoutDetailHasNoReason) {
  EXPECT_THAT(absl::InternalError("x"), HasReason(ErrorReason::ERROR_REASON_UNSPECIFIED));
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  CAIRN_ASSIGN_OR_RETURN(int half, Half(n), "first half");
  CAIRN_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

TEST(ErrorTest, AssignOrReturn) {
  EXPECT_THAT(Quarter(8), IsOkAndHolds(2));
  EXPECT_THAT(Quarter(7), StatusIs(absl::StatusCode::kInvalidArgument, "first half: odd"));
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("odd")));
}

}  // namespace
}  // namespace cairn
