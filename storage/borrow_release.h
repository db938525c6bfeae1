// Borrows: chunks of a directory's segment that another directory needs, as rows in the partition
// of the directory that owns the segment.
//
// A copy into a directory opens its session there, then writes the borrows that it will rely on,
// then lists their segments in its manifest. Releasing chunks is safe against one that starts
// meanwhile: the row is first marked (chunks that nobody uses move to `releasing`, where they still
// count), then the borrower's roots are read, then they are dropped, with the last of them the row,
// if it is still as it was marked. A copy that read the row before the mark has a session older
// than the mark, which is waited for; one that reads it later changes it, so that it is no longer
// as it was marked.
#ifndef CAIRN_STORAGE_BORROW_RELEASE_H_
#define CAIRN_STORAGE_BORROW_RELEASE_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/uid.h"
#include "storage/chunk_set.h"
#include "storage/engine/table.h"
#include "storage/segment_window.h"
#include "storage/store.h"

namespace cairn::storage {

// A session that opened less than this after a borrow was marked counts as older: clocks are set.
inline constexpr absl::Duration kBorrowClockMargin = absl::Minutes(1);

struct Borrow {
  Uid segment;
  Uid destination;  // the directory that needs them
  ChunkSet chunks;  // those being released included
};

// Visits the borrows of the owner's segments in the range, ascending, until `visit` returns false.
absl::Status VisitBorrows(Table* table, const Uid& owner, const SegmentRange& range,
                          absl::FunctionRef<absl::StatusOr<bool>(const Borrow&)> visit);

// What became of borrows, by segment.
struct ReleasedBorrows {
  std::vector<Uid>
      released;              // of some chunks or all there is no borrow any more, or there was none
  std::vector<Uid> waiting;  // a session may yet need it; try again later
};

// Releases the chunks that `destination` borrows of the segments and that none of its roots (as
// ReadDirectoryRoots has them) uses. Requires: nobody else releases at the same time;
// the window tells the owners.
absl::StatusOr<ReleasedBorrows> ReleaseBorrows(Table* table, Clock* clock,
                                               absl::FunctionRef<bool(const Uid&)> held,
                                               const Uid& destination,
                                               const SegmentWindow& segments);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_BORROW_RELEASE_H_
