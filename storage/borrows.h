// The rows by which a directory keeps the chunks that another one has copies of.
#ifndef CAIRN_STORAGE_BORROWS_H_
#define CAIRN_STORAGE_BORROWS_H_

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/uid.h"
#include "storage/catalog.h"
#include "storage/engine/table.h"
#include "storage/segment_uses.h"
#include "storage/store.h"

namespace cairn::storage {

// Who borrows what of whom. Nothing is owned.
struct BorrowTerms {
  Table* table;
  Clock* clock;
  Uid source_directory;
  Uid source;    // a checkpoint of it, whose segments these are
  Uid borrower;  // the directory that the copy is in
};

// Writes, into the partition of each directory that owns one of the segments, that the borrower
// needs these chunks; under the condition that the source is live, or, for a segment that its
// directory borrows itself, that it still does. Segments of the borrower's own need no row.
//
// Called before the borrower's manifest lists the segments, so that their bytes stay, and again
// after it does: a collector that found the row unneeded in between erases only what it read, and
// this changes it. Errors: kNotFound with reason CHECKPOINT_NOT_FOUND (the source is gone); as
// Table.
absl::Status WriteBorrows(const BorrowTerms& terms, const ReusedSegments& segments);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_BORROWS_H_
