// SaveCheckpoint: a session that opens, fills and commits in one call.
#ifndef CAIRN_SERVER_INLINE_SAVE_H_
#define CAIRN_SERVER_INLINE_SAVE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "storage/store.h"

namespace cairn::server {

inline constexpr int64_t kMaxInlineBytes = 3 << 20;

// Saves the tensors of `request`. Everything about them is checked before anything is written. With
// a request_id, a repeat finds the session of the first attempt and gives its checkpoint. Errors:
// kInvalidArgument; those of the session calls.
absl::StatusOr<storage::CheckpointRecord> SaveInline(storage::Store* store,
                                                     const v1::SaveCheckpointRequest& request);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_INLINE_SAVE_H_
