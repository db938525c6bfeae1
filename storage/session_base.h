// The base of an incremental save: resolved once, when its session opens.
#ifndef CAIRN_STORAGE_SESSION_BASE_H_
#define CAIRN_STORAGE_SESSION_BASE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog.h"
#include "storage/record_rows.h"
#include "storage/store.h"

namespace cairn::storage {

// The live checkpoint of the directory that `base` names. Requires: `base` is not empty.
// Errors: kInvalidArgument (no reference), kNotFound with reason CHECKPOINT_NOT_FOUND.
absl::StatusOr<Stored<CheckpointRecord>> ResolveBase(Table* table, const Directory& directory,
                                                     absl::string_view base);

// OK if `base` means the base of a session that was opened before: the same text, "latest", or what
// names that checkpoint now. Errors: kAlreadyExists with reason SESSION_EXISTS; as ResolveBase.
absl::Status CheckSameBase(Table* table, const Directory& directory, const SessionRecord& session,
                           absl::string_view base);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SESSION_BASE_H_
