// Reads the 03 rows of manifests: which chunks of which segments they use. What decides over bytes
// (the collector, usage) reads these rows and never a slice's.
#ifndef CAIRN_STORAGE_SEGMENT_WINDOW_H_
#define CAIRN_STORAGE_SEGMENT_WINDOW_H_

#include <cstddef>
#include <map>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/uid.h"
#include "storage/chunk_set.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// So many segments are decided upon together. A bitmap has at most 32 KiB, most have 33 bytes.
inline constexpr size_t kWindowSegments = 512;

// Segments from the first to the last, both included.
struct SegmentRange {
  Uid first;
  Uid last;
};

SegmentRange EverySegment();

struct SegmentUseRow {
  Uid segment;
  Uid owner;  // the directory that wrote it
  ChunkSet chunks;
  int64_t stored_bytes = 0;
};

// Visits the rows of one manifest whose segments lie in the range, ascending, until `visit` returns
// false. Errors: kDataLoss (a row is damaged), as Table.
absl::Status VisitSegmentUses(Table* table, const Uid& manifest, const SegmentRange& range,
                              absl::FunctionRef<absl::StatusOr<bool>(const SegmentUseRow&)> visit);

// A segment that manifests list, with all the chunks that they use.
struct ListedSegment {
  Uid owner;
  ChunkTally used;
};
using SegmentWindow = std::map<Uid, ListedSegment>;

// Requires: not empty.
SegmentRange RangeOf(const SegmentWindow& window);

// The next kWindowSegments segments that any of the manifests lists, those after `after`. Empty:
// there are none.
absl::StatusOr<SegmentWindow> ReadSegmentWindow(Table* table, absl::Span<const Uid> manifests,
                                                const std::optional<Uid>& after);

// Visits what any of the manifests uses of the window's segments.
absl::Status VisitUsesOf(Table* table, absl::Span<const Uid> manifests, const SegmentWindow& window,
                         absl::FunctionRef<void(const SegmentUseRow&)> visit);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SEGMENT_WINDOW_H_
