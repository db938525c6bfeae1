#include "storage/slice_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/error.h"
#include "storage/chunk_set.h"
#include "storage/manifest.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

// A row needs a condition and an edit, and another edit if it was saved before; the segment's row
// may come with them.
constexpr size_t kMaxRowsOfBatch = (kMaxBatchRows - 2) / 3;
// A row that is there already stands in its condition as well.
constexpr size_t kMaxBytesOfBatch = kMaxBatchBytes / 2 - kMaxValueBytes - kMaxRowKeyBytes;

bool SameContent(const SliceRecord& a, const SliceRecord& b) {
  const auto same_piece = [](const v1::Piece& x, const v1::Piece& y) {
    const bool crc_differs = x.has_crc32c() && y.has_crc32c() && x.crc32c() != y.crc32c();
    return !crc_differs && x.length() == y.length() && x.xxh3_128() == y.xxh3_128();
  };
  return a.dtype() == b.dtype() && a.partial() == b.partial() && a.begin() == b.begin() &&
         a.end() == b.end() && a.slice_bytes() == b.slice_bytes() &&
         std::equal(a.shape().begin(), a.shape().end(), b.shape().begin(), b.shape().end()) &&
         std::equal(a.pieces().begin(), a.pieces().end(), b.pieces().begin(), b.pieces().end(),
                    same_piece);
}

absl::Status CheckSame(absl::string_view row_key, const SliceRecord& ours,
                       const SliceRecord& stored) {
  if (SameContent(ours, stored)) return absl::OkStatus();
  const SliceKey key = DecodeSliceKey(row_key).value();
  const std::string box = ToString(key.box);
  return MakeError(
      ErrorReason::ERROR_REASON_SLICE_CONFLICT, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot store slice ", box, " of ", key.key, " of writer ", ours.writer(),
                   ": writer ", stored.writer(),
                   " stored other content under the same key and box; save it once or under "
                   "another key"),
      {{"key", key.key},
       {"box", box},
       {"writer", ours.writer()},
       {"stored_writer", stored.writer()}});
}

// A row and what is known to be stored in its place.
struct PlannedRow {
  SliceRowToWrite row;
  std::optional<std::string> stored;
  bool resaved = false;  // it begins a slice that another writer saved
};

std::string ResavedValue() {
  v1::ResavedSlice resaved;
  resaved.set_version(1);
  return resaved.SerializeAsString();
}

class SliceRowsWriter {
 public:
  SliceRowsWriter(Table* table, const Uid& manifest, const std::optional<FinishedSegment>& segment)
      : table_(table), partition_(Partition::Manifest(manifest)), segment_(segment) {
    if (!segment_) return;
    used_.assign(segment_->chunk_count + 1, true);
    used_[0] = false;  // the header
    for (const uint32_t chunk : segment_->unused) used_[chunk] = false;
    used_bytes_ = segment_->bytes - segment_->unused_bytes;
  }

  absl::StatusOr<bool> Write(std::vector<SliceRowToWrite> rows) {
    CAIRN_RETURN_IF_ERROR(Plan(std::move(rows)));
    absl::Span<PlannedRow> rest = absl::MakeSpan(rows_);
    bool first = true;
    do {
      const absl::Span<PlannedRow> batch = rest.first(RowsOfNextBatch(rest));
      rest.remove_prefix(batch.size());
      CAIRN_RETURN_IF_ERROR(WriteBatch(batch, first, /*last=*/rest.empty()));
      first = false;
    } while (!rest.empty());
    return !segment_written_.empty();
  }

 private:
  // In order of keys, each once.
  absl::Status Plan(std::vector<SliceRowToWrite> rows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.row_key < b.row_key; });
    for (SliceRowToWrite& row : rows) {
      if (!rows_.empty() && rows_.back().row.row_key == row.row_key) {
        CAIRN_RETURN_IF_ERROR(CheckSame(row.row_key, row.record, rows_.back().row.record));
        Unuse(row.record);
        continue;
      }
      rows_.push_back({std::move(row), std::nullopt, false});
    }
    return absl::OkStatus();
  }

  static size_t RowsOfNextBatch(absl::Span<const PlannedRow> rows) {
    size_t count = 0;
    size_t bytes = 0;
    while (count < rows.size() && count < kMaxRowsOfBatch) {
      const SliceRowToWrite& row = rows[count].row;
      bytes += 2 * row.row_key.size() + row.record.ByteSizeLong();
      if (count > 0 && bytes > kMaxBytesOfBatch) break;
      ++count;
    }
    return count;
  }

  // The segment's row goes to the disk before or with the first rows that point into it, and again
  // with the last if some turned out to be there already. The last batch takes all before it to the
  // disk.
  absl::Status WriteBatch(absl::Span<PlannedRow> rows, bool first, bool last) {
    constexpr int kAttempts = 8;  // another writer of the same rows makes an attempt fail
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      Batch batch{.partition = partition_};
      batch.durability = (first && segment_) || last ? Durability::kSynced : Durability::kBuffered;
      for (const PlannedRow& planned : rows) AddTo(&batch, planned);
      const std::string segment_value = first || last ? SegmentValue() : segment_written_;
      AddSegmentTo(&batch, segment_value);
      if (batch.edits.empty()) return absl::OkStatus();
      CAIRN_ASSIGN_OR_RETURN(const WriteResult result, table_->Write(batch), "writing slice rows");
      if (result.applied()) {
        segment_written_ = segment_value;
        return absl::OkStatus();
      }
      CAIRN_RETURN_IF_ERROR(LookUp(rows));
    }
    return absl::UnavailableError(
        "cannot write slice rows: other writers keep writing the same ones; try again");
  }

  // A row that is there is written again as it stands, which makes it durable whoever wrote it.
  static void AddTo(Batch* batch, const PlannedRow& planned) {
    const std::string& key = planned.row.row_key;
    if (planned.stored) {
      batch->RequireEqual(key, *planned.stored).Put(key, *planned.stored);
      if (planned.resaved) {
        batch->Put(EncodeResavedKey(planned.row.record.writer(), key), ResavedValue());
      }
    } else {
      batch->RequireAbsent(key).Put(key, planned.row.record.SerializeAsString());
    }
  }

  absl::Status LookUp(absl::Span<PlannedRow> rows) {
    for (PlannedRow& planned : rows) {
      if (planned.stored) continue;
      CAIRN_ASSIGN_OR_RETURN(planned.stored, table_->Get(partition_, planned.row.row_key),
                             "reading slice rows");
      if (!planned.stored) continue;
      CAIRN_ASSIGN_OR_RETURN(const SliceRow stored,
                             ParseSliceRow({planned.row.row_key, *planned.stored}));
      const SliceRecord& ours = planned.row.record;
      CAIRN_RETURN_IF_ERROR(CheckSame(planned.row.row_key, ours, stored.record));
      planned.resaved = ours.begin() == 0 && ours.writer() != stored.record.writer();
      Unuse(ours);
    }
    return absl::OkStatus();
  }

  // The chunks that the record points to are not needed.
  void Unuse(const SliceRecord& record) {
    for (const v1::Piece& piece : record.pieces()) {
      for (const v1::ChunkExtent& extent : piece.extents()) {
        if (!segment_ || record.segments(extent.segment()) != segment_->uid.bytes()) continue;
        used_[extent.chunk()] = false;
        used_bytes_ -= extent.length();
      }
    }
  }

  // What the segment's row says; empty: there is no need of one.
  std::string SegmentValue() const {
    if (!segment_ || used_bytes_ == 0) return "";
    ChunkSet chunks;
    for (uint32_t chunk = 0; chunk < used_.size(); ++chunk) {
      if (used_[chunk]) chunks.Add(chunk);
    }
    v1::SegmentUse use;
    use.set_owner_directory_uid(std::string(segment_->owner.bytes()));
    use.set_chunks(chunks.bitmap());
    // Two factors of at most 256 MiB: the product fits.
    use.set_stored_bytes(segment_->stored_bytes * used_bytes_ / segment_->bytes);
    return use.SerializeAsString();
  }

  void AddSegmentTo(Batch* batch, const std::string& value) const {
    if (value == segment_written_) return;
    const std::string key = EncodeSegmentKey(segment_->uid);
    if (value.empty()) {
      batch->Erase(key);
    } else {
      batch->Put(key, value);
    }
  }

  Table* const table_;
  const Partition partition_;
  const std::optional<FinishedSegment> segment_;
  std::vector<PlannedRow> rows_;
  std::vector<bool> used_;  // of the segment's chunks
  int64_t used_bytes_ = 0;  // of those
  std::string segment_written_;
};

}  // namespace

absl::StatusOr<bool> WriteSliceRows(Table* table, const Uid& manifest,
                                    std::vector<SliceRowToWrite> rows,
                                    const std::optional<FinishedSegment>& segment) {
  return SliceRowsWriter(table, manifest, segment).Write(std::move(rows));
}

}  // namespace cairn::storage
