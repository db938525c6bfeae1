// Copies: checkpoints made of another one's bytes, under other keys if need be.
#ifndef CAIRN_STORAGE_COPY_CHECKPOINT_H_
#define CAIRN_STORAGE_COPY_CHECKPOINT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog.h"
#include "storage/copy_plan.h"
#include "storage/save_session.h"
#include "storage/store.h"

namespace cairn::storage {

// A copy is a save session of one writer that nobody uploads to: its row keeps its manifest while
// it is written, and what a crash leaves of it expires and is collected like any other. In the
// source's own directory the session has the source as its base; in another one the segments are
// borrowed. Thread-safe. Nothing is owned; all outlives this.
class Copies {
 public:
  Copies(const StoreOptions& options, Catalog* catalog, SaveSessions* sessions)
      : options_(options), catalog_(catalog), sessions_(sessions) {}

  // As Store::CopyCheckpoint.
  absl::StatusOr<CheckpointRecord> Copy(absl::string_view path, absl::string_view reference,
                                        const CopyOptions& options);

 private:
  // The session that an earlier attempt of the request opened; nullopt: none did.
  // Errors: kInvalidArgument (it was for another request).
  absl::StatusOr<std::optional<SessionRecord>> FindEarlier(absl::string_view target,
                                                           absl::string_view session,
                                                           uint64_t fingerprint);

  // Fills the session and commits it.
  absl::StatusOr<CheckpointRecord> Fill(const Directory& directory, const CheckpointRecord& source,
                                        absl::string_view target, const SessionRecord& session,
                                        const CopyOptions& options, CopyPlan* plan);

  const StoreOptions options_;
  Catalog* const catalog_;
  SaveSessions* const sessions_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COPY_CHECKPOINT_H_
