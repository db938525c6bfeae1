// The rows by which a manifest says which chunks it uses of segments that were written for another
// one: what an incremental save and a copy share with their source.
#ifndef CAIRN_STORAGE_SEGMENT_USES_H_
#define CAIRN_STORAGE_SEGMENT_USES_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// What is used of one segment.
struct ReusedSegment {
  Uid owner;                            // the directory that wrote it
  std::map<uint32_t, uint32_t> chunks;  // and the bytes of each, about
};

// By segment. One thread at a time.
using ReusedSegments = std::map<Uid, ReusedSegment>;

// Tells the owners of the segments that a manifest uses, from its own rows; each is read once.
// One thread at a time.
class SegmentOwners {
 public:
  // `table` is not owned and outlives this.
  SegmentOwners(Table* table, const Uid& manifest) : table_(table), manifest_(manifest) {}

  // Errors: kDataLoss (the manifest does not list the segment).
  absl::StatusOr<Uid> OwnerOf(const Uid& segment);
  // Notes what a piece of a row of the manifest points to. Errors: as OwnerOf; kDataLoss (the row
  // is damaged).
  absl::Status AddUses(const SliceRecord& record, const v1::Piece& piece, ReusedSegments* uses);

 private:
  Table* const table_;
  const Uid manifest_;
  std::map<Uid, Uid> owners_;
};

// Adds the uses to the rows of `manifest`, whoever else adds to them meanwhile. On OK they are
// durable: rows that point there may be written. Errors: as Table.
absl::Status WriteSegmentUses(Table* table, const Uid& manifest, const ReusedSegments& uses);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SEGMENT_USES_H_
