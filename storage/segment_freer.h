// Decides what of segments is needed, in the partition of the directory that owns them, and frees
// the rest.
#ifndef CAIRN_STORAGE_SEGMENT_FREER_H_
#define CAIRN_STORAGE_SEGMENT_FREER_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/uid.h"
#include "storage/chunk_set.h"
#include "storage/directory_roots.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"
#include "storage/segment_window.h"
#include "storage/store.h"

namespace cairn::storage {

// When a segment is rewritten without what is dead in it: the dead part is more than this fraction
// of the live one ...
inline constexpr int64_t kShrinkDeadToLive = 10;  // a tenth
// ... and has at least so many bytes.
inline constexpr int64_t kMinShrinkBytes = 64 << 10;

// What a directory's segments are judged by.
struct SegmentJudge {
  Uid owner;
  std::vector<Uid> live;  // manifests, as DirectoryRoots.live
  // When these were read. Segments that are younger are spared, whoever lists them.
  absl::Time read_time;
};

// Thread-safe. Nothing given to it is owned; all of it outlives this.
class SegmentFreer {
 public:
  SegmentFreer(Table* table, SegmentStore* segments) : table_(table), segments_(segments) {}

  // Removes the segments that no live manifest of their owner and no borrow lists, and shrinks
  // those of which little is left if `shrink`. `window`: segments of the judge's owner, with what
  // is known of their chunks' sizes. Adds what was done to `result`. Returns those that have to
  // wait: too young, or not shrunk because the disk has no room for it.
  absl::StatusOr<std::vector<Uid>> Free(const SegmentJudge& judge, const SegmentWindow& window,
                                        bool shrink, CollectResult* result) const;

 private:
  struct Needed {
    bool listed = false;
    ChunkTally chunks;
  };
  using NeededChunks = std::map<Uid, Needed>;

  absl::StatusOr<NeededChunks> ReadNeeded(const SegmentJudge& judge,
                                          const SegmentWindow& window) const;
  // Whether a segment is too young to be judged. One that is not there is not.
  absl::StatusOr<bool> IsYoung(const Uid& segment, absl::Time read_time) const;
  absl::Status Remove(const std::vector<Uid>& segments, CollectResult* result) const;
  // False: there is no room for it now.
  absl::StatusOr<bool> ShrinkIfWorthIt(const Uid& segment, const ChunkTally& needed,
                                       CollectResult* result) const;

  Table* const table_;
  SegmentStore* const segments_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SEGMENT_FREER_H_
