// Frees what nothing needs any more: rows and segments of deleted checkpoints and ended sessions,
// what interrupted calls left behind, answers that were kept long enough.
//
// Garbage is named by rows. Orphans are found by comparing what is stored with the roots: open
// sessions, checkpoints, garbage still to come, and restores that run. What looks like an orphan is
// compared with the roots again before it goes: a session's row is older than anything written for
// it, so whatever belongs to a session that opened meanwhile is found then.
#ifndef CAIRN_STORAGE_COLLECTOR_H_
#define CAIRN_STORAGE_COLLECTOR_H_

#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "storage/catalog.h"
#include "storage/restore.h"
#include "storage/save_session.h"
#include "storage/store.h"

namespace cairn::storage {

// How old a directory must be that the catalog does not list: its creation may still be under way.
inline constexpr absl::Duration kOrphanDirectoryGrace = absl::Hours(1);
// How often orphans are searched for after the first run of a process. Only a crash or a stream
// that outlives its session leaves one, and the search reads the header of every segment.
inline constexpr absl::Duration kOrphanPeriod = absl::Hours(1);

// Thread-safe. Nothing given to it is owned; all of it outlives this.
class Collector {
 public:
  Collector(const StoreOptions& options, Catalog* catalog, SaveSessions* sessions,
            const Restores* restores)
      : options_(options), catalog_(catalog), sessions_(sessions), restores_(restores) {}

  // As Store::Collect.
  absl::StatusOr<CollectResult> Run();

 private:
  using UidSet = absl::flat_hash_set<Uid>;

  absl::Status ForEachPartition(Partition::Table table,
                                absl::FunctionRef<absl::Status(const Uid&)> visit) const;

  absl::Status CollectDirectory(const Uid& uid, CollectResult* result);
  absl::Status CollectSessions(const Directory& directory, CollectResult* result);
  absl::Status ForgetSession(const Directory& directory, const Stored<SessionRecord>& session);
  absl::Status ForgetRequests(const Directory& directory);
  absl::Status CollectGarbage(const Directory& directory, CollectResult* result);
  absl::Status CollectDeleted(const Directory& directory, CollectResult* result);
  absl::Status FreeManifest(const Uid& manifest, CollectResult* result);

  // Adds the manifests that a directory's rows keep.
  absl::Status AddRoots(const Uid& directory, UidSet* roots) const;
  absl::StatusOr<UidSet> ReadRoots() const;
  absl::Status CollectOrphans(CollectResult* result);
  absl::Status CollectOrphansIfDue(CollectResult* result) CAIRN_REQUIRES(running_);

  const StoreOptions options_;
  Catalog* const catalog_;
  SaveSessions* const sessions_;
  const Restores* const restores_;
  Mutex running_;
  std::optional<absl::Time> orphans_collected_ CAIRN_GUARDED_BY(running_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COLLECTOR_H_
