// What the caller says of a save when its session opens; fixed from then on.
#ifndef CAIRN_STORAGE_SESSION_SETTINGS_H_
#define CAIRN_STORAGE_SESSION_SETTINGS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/store.h"

namespace cairn::storage {

inline constexpr int kMaxExpectedWriters = 16384;
inline constexpr absl::Duration kMinSessionTtl = absl::Seconds(1);

// Errors: kInvalidArgument naming the field and what would be right.
absl::Status ValidateSessionOptions(const SessionOptions& options);

// A session's record with the settings and nothing else, but for a number that was not given.
SessionRecord RecordOfSettings(const SessionOptions& options);

// OK if a session was opened with these settings, but for the base (see session_base.h).
// Errors: kAlreadyExists with reason SESSION_EXISTS naming the first field that differs.
absl::Status CheckSameSettings(const SessionRecord& session, const SessionOptions& options);

// That error.
absl::Status SessionDiffers(absl::string_view session, absl::string_view field);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SESSION_SETTINGS_H_
