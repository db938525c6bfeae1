// Frees what nothing needs any more: rows and segments of deleted checkpoints and ended sessions,
// what interrupted calls left behind, answers that were kept long enough.
//
// Segments are shared: a manifest may list those that other manifests of its directory wrote, or,
// with a borrow, those of another directory. So bytes are decided upon segment by segment, in the
// partition of the directory that owns them (segment_freer.h), by 03 rows alone. The roots are
// rows: checkpoints, open sessions and their bases, borrows; and in memory the leases of restores
// (directory_roots.h). A garbage manifest's rows go only after what it alone used was freed, so
// that a run which is cut off is taken up by the next.
//
// Garbage is named by rows. Orphans are found by comparing what is stored with the roots: a segment
// whose writing manifest is gone is one if nobody else lists it. What looks like an orphan is
// compared with the roots again before it goes: a session's row is older than anything written for
// it, so whatever belongs to a session that opened meanwhile is found then.
#ifndef CAIRN_STORAGE_COLLECTOR_H_
#define CAIRN_STORAGE_COLLECTOR_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "storage/borrow_release.h"
#include "storage/catalog.h"
#include "storage/directory_roots.h"
#include "storage/restore.h"
#include "storage/save_session.h"
#include "storage/segment_freer.h"
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
      : options_(options),
        catalog_(catalog),
        sessions_(sessions),
        restores_(restores),
        freer_(options.table, options.segments) {}

  // As Store::Collect.
  absl::StatusOr<CollectResult> Run(CollectScope scope = CollectScope::kGarbage);

 private:
  using UidSet = absl::flat_hash_set<Uid>;
  // A segment whose writing manifest no root names.
  struct Stray {
    Uid owner;
    Uid segment;
    Uid manifest;
  };

  absl::Status ForEachPartition(Partition::Table table,
                                absl::FunctionRef<absl::Status(const Uid&)> visit) const;
  absl::StatusOr<bool> HasRows(const Directory& directory, absl::string_view prefix) const;
  absl::StatusOr<DirectoryRoots> ReadRoots(const Uid& directory) const;
  // Reads its roots now.
  absl::StatusOr<SegmentJudge> JudgeOf(const Uid& owner) const;

  absl::Status CollectDirectory(const Uid& uid, CollectResult* result);
  absl::Status CollectSessions(const Directory& directory, CollectResult* result);
  absl::Status ForgetSession(const Directory& directory, const Stored<SessionRecord>& session);
  absl::Status ForgetRequests(const Directory& directory);
  absl::Status CollectDeleted(const Directory& directory, CollectResult* result);
  // Makes garbage of all that a deleted directory holds.
  absl::Status DiscardCheckpoints(const Directory& directory);
  absl::Status DiscardSessions(const Directory& directory);

  absl::Status CollectGarbage(const Directory& directory, CollectResult* result);
  // Frees what only dead manifests of the directory use of these segments, and adds those that have
  // to wait to `waiting`.
  absl::Status FreeWindow(const SegmentJudge& judge, const SegmentWindow& window,
                          CollectResult* result, std::vector<Uid>* waiting);
  // Of segments that other directories own: releases the borrows of `borrower`.
  absl::Status FreeBorrowed(const Uid& borrower, const SegmentWindow& window, bool shrink,
                            CollectResult* result, std::vector<Uid>* waiting);
  absl::Status EraseManifest(const Uid& directory, const Uid& manifest, CollectResult* result);

  // --- Orphans

  // Every manifest that a row of a directory names.
  absl::StatusOr<UidSet> ReadNamedManifests() const;
  absl::Status CollectOrphans(CollectResult* result);
  absl::Status RemoveStraySegments(std::vector<Stray> strays, absl::Time read_time,
                                   CollectResult* result) const;
  // Borrows that nothing in their destinations needs: a copy that was cut off leaves them.
  absl::Status CollectStrayBorrows(const Uid& owner, CollectResult* result);
  absl::Status CollectOrphansIfDue(CollectScope scope, CollectResult* result)
      CAIRN_REQUIRES(running_);

  const StoreOptions options_;
  Catalog* const catalog_;
  SaveSessions* const sessions_;
  const Restores* const restores_;
  const SegmentFreer freer_;
  Mutex running_;
  std::optional<absl::Time> orphans_collected_ CAIRN_GUARDED_BY(running_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COLLECTOR_H_
