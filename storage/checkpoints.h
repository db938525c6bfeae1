// The checkpoints of a directory: found, listed, deleted.
#ifndef CAIRN_STORAGE_CHECKPOINTS_H_
#define CAIRN_STORAGE_CHECKPOINTS_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "storage/catalog.h"
#include "storage/directory_locks.h"
#include "storage/record_rows.h"
#include "storage/reference.h"
#include "storage/store.h"

namespace cairn::storage {

// --- Pieces of the batches that publish and delete. Each acts on a directory whose head the batch
// requires to be as it was read.

// A checkpoint as it was read; nullopt when there is none of this uid.
absl::StatusOr<std::optional<Stored<CheckpointRecord>>> ReadCheckpoint(Table* table,
                                                                       const Directory& directory,
                                                                       const Uid& checkpoint);

// The checkpoint that a reference names now; nullopt: none.
absl::StatusOr<std::optional<Stored<CheckpointRecord>>> ResolveReference(
    Table* table, const Directory& directory, const Reference& reference);

// kNotFound with reason CHECKPOINT_NOT_FOUND.
absl::Status CheckpointNotFound(const Directory& directory, absl::string_view reference);

// "runs/a@12", or "runs/a@uid:..." without a number.
std::string NameOf(const Directory& directory, const CheckpointRecord& checkpoint);

// Errors: kFailedPrecondition with reason CHECKPOINT_PROTECTED (tagged).
absl::Status CheckUnprotected(const Directory& directory, const CheckpointRecord& checkpoint,
                              absl::string_view what);

// Adds what makes a checkpoint vanish, but for the head and the row of its number: its other rows
// go, its manifest becomes garbage.
void AddRemoval(const Stored<CheckpointRecord>& checkpoint, absl::Time now, Batch* batch);

// Writes the garbage row of a manifest.
void AddGarbage(const Uid& manifest, absl::Time now, Batch* batch);

// ---

// Thread-safe. The engines in the options, the catalog and the locks are not owned and outlive
// this.
class Checkpoints {
 public:
  Checkpoints(const StoreOptions& options, Catalog* catalog, DirectoryLocks* locks)
      : options_(options), catalog_(catalog), locks_(locks) {}

  // As the Store's methods of the same names.
  absl::StatusOr<CheckpointRecord> Get(absl::string_view path, absl::string_view reference) const;
  absl::StatusOr<ListPage<CheckpointRecord>> List(absl::string_view path, CheckpointOrder order,
                                                  absl::string_view after, int page_size) const;
  absl::StatusOr<CheckpointRecord> Delete(absl::string_view path, absl::string_view reference,
                                          absl::string_view request_id);

 private:
  // Takes `deleted` out of the head: the sequence, the count, and what is latest now.
  absl::Status UpdateHead(const Directory& directory, const CheckpointRecord& deleted,
                          DirectoryHead* head) const;

  const StoreOptions options_;
  Catalog* const catalog_;
  DirectoryLocks* const locks_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_CHECKPOINTS_H_
