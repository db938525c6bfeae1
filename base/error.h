// Errors as values: every failure is an absl::Status that says what was attempted, what was found
// and what to do, and carries a cairn.v1.ErrorDetail for programs.
//
// The layer that knows the noun adds it, once:
//
//   return MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
//                    "cannot save runs/mnist@7: the number is in use; replace it or take another",
//                    {{"directory", "runs/mnist"}, {"number", "7"}});
//
//   CAIRN_RETURN_IF_ERROR(file.Sync(), "writing segment 3f0c...");
//   CAIRN_ASSIGN_OR_RETURN(Record record, Find(key), absl::StrCat("tensor ", key));
#ifndef CAIRN_BASE_ERROR_H_
#define CAIRN_BASE_ERROR_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/v1/error_detail.pb.h"

namespace cairn {

using v1::ErrorDetail;
using v1::ErrorReason;

// Type URL under which the serialized ErrorDetail rides on a Status, in memory and on the wire.
inline constexpr char kErrorDetailUrl[] = "type.googleapis.com/cairn.v1.ErrorDetail";

// An error with its reason and the values that its message interpolates. Requires: code is not kOk.
absl::Status MakeError(
    ErrorReason reason, absl::StatusCode code, absl::string_view message,
    std::initializer_list<std::pair<absl::string_view, absl::string_view>> metadata = {});

// INVALID_ARGUMENT for one field of a request: "<field>: <description>".
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// The detail that `status` carries; an empty one if it carries none.
ErrorDetail DetailOf(const absl::Status& status);

// Short for DetailOf(status).reason().
ErrorReason ReasonOf(const absl::Status& status);

// `status` with `detail` in place of the one it had.
absl::Status WithDetail(absl::Status status, const ErrorDetail& detail);

// `status` with "<context>: " before its message; code and payloads stay. An OK status stays OK.
absl::Status WithContext(absl::Status status, absl::string_view context);
inline absl::Status WithContext(absl::Status status) { return status; }

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace internal
}  // namespace cairn

// Returns from the function when `expr`, an absl::Status, is an error; with a second argument, that
// context goes before the message.
#define CAIRN_RETURN_IF_ERROR(expr, ...)                                               \
  do {                                                                                 \
    absl::Status cairn_status = (expr);                                                \
    if (!cairn_status.ok()) {                                                          \
      return ::cairn::WithContext(std::move(cairn_status) __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                                  \
  } while (false)

// Assigns the value of `expr`, an absl::StatusOr, to `lhs`, or returns its error as above.
#define CAIRN_ASSIGN_OR_RETURN(lhs, expr, ...)                              \
  CAIRN_ASSIGN_OR_RETURN_IMPL_(CAIRN_CONCAT_(cairn_result_, __LINE__), lhs, \
                               expr __VA_OPT__(, ) __VA_ARGS__)
#define CAIRN_ASSIGN_OR_RETURN_IMPL_(result, lhs, expr, ...)                            \
  auto result = (expr);                                                                 \
  if (!result.ok()) {                                                                   \
    return ::cairn::WithContext(std::move(result).status() __VA_OPT__(, ) __VA_ARGS__); \
  }                                                                                     \
  lhs = std::move(result).value()
#define CAIRN_CONCAT_(a, b) CAIRN_CONCAT_IMPL_(a, b)
#define CAIRN_CONCAT_IMPL_(a, b) a##b

// Ends the process when an invariant of our own is broken. Always on; never for outside input.
#define CAIRN_CHECK(condition)            \
  (static_cast<bool>(condition) ? (void)0 \
                                : ::cairn::internal::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // CAIRN_BASE_ERROR_H_
