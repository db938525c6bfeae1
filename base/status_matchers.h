// GoogleTest matchers for absl::Status and absl::StatusOr, which Debian's GoogleTest lacks.
//
//   EXPECT_THAT(store.Get("x"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("x")));
//   EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
//   ASSERT_OK(status);   ASSERT_OK_AND_ASSIGN(auto record, store.Find("x"));
#ifndef CAIRN_BASE_STATUS_MATCHERS_H_
#define CAIRN_BASE_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "base/error.h"

namespace absl {
// Lets GoogleTest print a StatusOr as its status.
template <typename T>
void PrintTo(const StatusOr<T>& result, std::ostream* os) {
  *os << result.status();
}
}  // namespace absl

namespace cairn {
namespace internal {
inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}
}  // namespace internal

MATCHER(IsOk, "is OK") {
  *result_listener << internal::StatusOf(arg);
  return internal::StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, "has the code " + absl::StatusCodeToString(code)) {
  *result_listener << internal::StatusOf(arg);
  return internal::StatusOf(arg).code() == code;
}

// `message` is a string or a matcher of one.
MATCHER_P2(StatusIs, code, message, "has the code " + absl::StatusCodeToString(code)) {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << status;
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

MATCHER_P(HasReason, reason, "has the reason " + v1::ErrorReason_Name(reason)) {
  *result_listener << internal::StatusOf(arg) << " " << ReasonOf(internal::StatusOf(arg));
  return ReasonOf(internal::StatusOf(arg)) == reason;
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds the value") {
  if (!arg.ok()) {
    *result_listener << arg.status();
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace cairn

#define EXPECT_OK(expr) EXPECT_THAT(expr, ::cairn::IsOk())
#define ASSERT_OK(expr) ASSERT_THAT(expr, ::cairn::IsOk())
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL_(CAIRN_CONCAT_(cairn_test_result_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL_(result, lhs, expr) \
  auto result = (expr);                               \
  ASSERT_OK(result);                                  \
  lhs = std::move(result).value()

#endif  // CAIRN_BASE_STATUS_MATCHERS_H_
