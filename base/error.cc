#include "base/error.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace cairn {

absl::Status MakeError(
    ErrorReason reason, absl::StatusCode code, absl::string_view message,
    std::initializer_list<std::pair<absl::string_view, absl::string_view>> metadata) {
  CAIRN_CHECK(code != absl::StatusCode::kOk);
  ErrorDetail detail;
  detail.set_reason(reason);
  for (const auto& [name, value] : metadata) {
    (*detail.mutable_metadata())[std::string(name)] = std::string(value);
  }
  return WithDetail(absl::Status(code, message), detail);
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  ErrorDetail detail;
  detail.set_reason(ErrorReason::ERROR_REASON_INVALID_FIELD);
  ErrorDetail::FieldViolation* violation = detail.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  return WithDetail(absl::InvalidArgumentError(absl::StrCat(field, ": ", description)), detail);
}

ErrorDetail DetailOf(const absl::Status& status) {
  ErrorDetail detail;
  if (auto payload = status.GetPayload(kErrorDetailUrl)) {
    // Bytes that do not parse leave what did, which is the best that is known.
    (void)detail.ParseFromString(std::string(*payload));
  }
  return detail;
}

ErrorReason ReasonOf(const absl::Status& status) { return DetailOf(status).reason(); }

absl::Status WithDetail(absl::Status status, const ErrorDetail& detail) {
  status.SetPayload(kErrorDetailUrl, absl::Cord(detail.SerializeAsString()));
  return status;
}

absl::Status WithContext(absl::Status status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status with(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { with.SetPayload(url, payload); });
  return with;
}

namespace internal {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace internal
}  // namespace cairn
