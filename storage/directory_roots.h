// Which manifests of a directory keep what they list, and which wait for the collector.
#ifndef CAIRN_STORAGE_DIRECTORY_ROOTS_H_
#define CAIRN_STORAGE_DIRECTORY_ROOTS_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// Visits the uids that rows "<prefix><uid>" of a directory name.
absl::Status VisitUidKeys(Table* table, const Uid& directory, absl::string_view prefix,
                          absl::FunctionRef<absl::Status(const Uid&)> visit);

// The sessions that their rows say are open, with their manifests' uids.
absl::Status VisitOpenSessions(
    Table* table, const Uid& directory,
    absl::FunctionRef<absl::Status(const SessionRecord& session, const Uid& manifest)> visit);

struct DirectoryRoots {
  // Of checkpoints, open sessions and the bases of these, and garbage that a restore holds.
  std::vector<Uid> live;
  // Garbage that nothing keeps. It was garbage before anything else was read.
  std::vector<Uid> dead;
  // Of the open sessions the oldest one's; InfiniteFuture without any.
  absl::Time oldest_session = absl::InfiniteFuture();
};

// Reads the rows in the order in which a manifest goes from one to the other (session, checkpoint,
// garbage), so that none that is live at the call slips through. What becomes live later has its
// chunks from what is live here, from new segments, or from a borrow: a session's base is live when
// it opens, and stays as long as it is open. In a deleted directory, and in one that is not there,
// only what a restore holds is live. `held` tells what restores hold.
absl::StatusOr<DirectoryRoots> ReadDirectoryRoots(Table* table, const Uid& directory,
                                                  absl::FunctionRef<bool(const Uid&)> held);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_DIRECTORY_ROOTS_H_
