// Checks of request fields that only the API knows; what storage checks itself (directories, keys,
// boxes, references) is not checked twice. Every error is kInvalidArgument with its field
// violation.
#ifndef CAIRN_SERVER_VALIDATE_H_
#define CAIRN_SERVER_VALIDATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn::server {

inline constexpr int kMaxRequestIdCharacters = 128;
inline constexpr int kMaxAbortReasonBytes = 1024;

absl::Status RequireField(absl::string_view field, absl::string_view value);
absl::Status ValidateRequestId(absl::string_view request_id);
// OK for min <= value <= max.
absl::Status ValidateRange(absl::string_view field, int64_t value, int64_t min, int64_t max);
// What changes or deletes names its checkpoint for good: by number or uid.
absl::Status RequireLastingReference(absl::string_view checkpoint);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_VALIDATE_H_
