#include "storage/segment_uses.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "storage/chunk_set.h"
#include "storage/manifest.h"
#include "storage/record_rows.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

using v1::SegmentUse;

// A row stands in its condition and in its edit.
constexpr size_t kMaxBytesOfBatch = kMaxBatchBytes / 2 - 2 * kMaxValueBytes;
constexpr size_t kMaxRowsOfBatch = kMaxBatchRows / 2;

// Adds a segment's row to the batch; nothing if it says all that already.
absl::Status AddUse(Table* table, const Uid& segment, const ReusedSegment& reused, Batch* batch) {
  const std::string key = EncodeSegmentKey(segment);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<SegmentUse>> stored,
                         ReadRecord<SegmentUse>(table, batch->partition, key));
  SegmentUse use;
  if (stored) {
    use = stored->record;
  } else {
    use.set_owner_directory_uid(std::string(reused.owner.bytes()));
    use.set_reused(true);
  }
  ChunkSet chunks(use.chunks());
  int64_t added = 0;
  for (const auto& [chunk, bytes] : reused.chunks) {
    if (chunks.Has(chunk)) continue;
    chunks.Add(chunk);
    added += bytes;
  }
  if (added == 0) return absl::OkStatus();
  use.set_chunks(chunks.bitmap());
  use.set_stored_bytes(use.stored_bytes() + added);
  if (stored) {
    batch->RequireEqual(key, stored->bytes);
  } else {
    batch->RequireAbsent(key);
  }
  batch->Put(key, use.SerializeAsString());
  return absl::OkStatus();
}

// Writes as many as one batch takes, and gives the first after them.
absl::StatusOr<ReusedSegments::const_iterator> WriteSome(Table* table, const Uid& manifest,
                                                         ReusedSegments::const_iterator begin,
                                                         ReusedSegments::const_iterator end) {
  Attempts attempts("saying which segments are used");
  while (attempts.Next()) {
    Batch batch{.partition = Partition::Manifest(manifest)};
    auto next = begin;
    while (next != end && batch.edits.size() < kMaxRowsOfBatch &&
           batch.bytes() < kMaxBytesOfBatch) {
      CAIRN_RETURN_IF_ERROR(AddUse(table, next->first, next->second, &batch));
      ++next;
    }
    if (batch.edits.empty()) return next;
    CAIRN_ASSIGN_OR_RETURN(const bool written, attempts.Write(table, batch));
    if (written) return next;
  }
  return attempts.Exhausted();
}

}  // namespace

absl::StatusOr<Uid> SegmentOwners::OwnerOf(const Uid& segment) {
  const auto known = owners_.find(segment);
  if (known != owners_.end()) return known->second;
  const Partition partition = Partition::Manifest(manifest_);
  const std::string key = EncodeSegmentKey(segment);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<SegmentUse>> use,
                         ReadRecord<SegmentUse>(table_, partition, key));
  if (!use) return DamagedRow(key, "slices point into that segment, and the row is not there");
  CAIRN_ASSIGN_OR_RETURN(const Uid owner,
                         UidFromRow(partition, key, use->record.owner_directory_uid()));
  owners_.emplace(segment, owner);
  return owner;
}

absl::Status SegmentOwners::AddUses(const SliceRecord& record, const v1::Piece& piece,
                                    ReusedSegments* uses) {
  for (const v1::ChunkExtent& extent : piece.extents()) {
    const auto index = static_cast<int>(extent.segment());
    if (index >= record.segments_size()) {
      return DamagedRow("", "an extent is in a segment that its row does not name");
    }
    CAIRN_ASSIGN_OR_RETURN(const Uid segment,
                           UidFromRow(Partition::Manifest(manifest_), "", record.segments(index)));
    CAIRN_ASSIGN_OR_RETURN(const Uid owner, OwnerOf(segment));
    ReusedSegment& reused = (*uses)[segment];
    reused.owner = owner;
    uint32_t& bytes = reused.chunks[extent.chunk()];
    bytes = std::max(bytes, extent.length());
  }
  return absl::OkStatus();
}

absl::Status WriteSegmentUses(Table* table, const Uid& manifest, const ReusedSegments& uses) {
  auto next = uses.begin();
  while (next != uses.end()) {
    CAIRN_ASSIGN_OR_RETURN(next, WriteSome(table, manifest, next, uses.end()));
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
