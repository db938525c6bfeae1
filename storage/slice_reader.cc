#include "storage/slice_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cast.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "storage/delivery.h"
#include "storage/manifest.h"
#include "storage/piece_reader.h"
#include "storage/row_scanner.h"

namespace cairn::storage {
namespace {

// What is said of the parts of one answer, about: it stays within half of a message's 2 MiB.
// Of one batch, so that it is one message however small its parts and long their keys are.
constexpr int64_t kMaxDescriptionBytes = 512 << 10;

// What describes a part on the wire takes at most so much.
int64_t DescriptionBytes(const OutgoingPart& part) {
  constexpr int64_t kBytesPerDimension = 40;  // of the shape, a start, a length
  constexpr int64_t kOtherBytes = 80;
  return static_cast<int64_t>(part.key.size() + part.dtype.size()) + kOtherBytes +
         kBytesPerDimension * static_cast<int64_t>(part.shape.size());
}

// One row on its way out, unit by unit: a unit is a stored piece, or a run of at most kPieceBytes
// of what is cut out. A row without bytes has one empty unit.
class OutgoingRow {
 public:
  OutgoingRow(SegmentStore* segments, Delivery delivery)
      : delivery_(std::move(delivery)),
        pieces_(segments, delivery_.row.key.key, delivery_.row.record) {}
  OutgoingRow(const OutgoingRow&) = delete;
  OutgoingRow& operator=(const OutgoingRow&) = delete;

  // Goes to the first unit that begins at or after `sent`.
  void Seek(int64_t sent) {
    if (delivery_.as_stored) {
      while (piece_ < pieces_.count() && pieces_.begin(piece_) < sent) ++piece_;
      sent_ = pieces_.begin(piece_);
    } else {
      sent = std::min(sent, delivery_.bytes);
      sent_ = std::min((sent + kPieceBytes - 1) / kPieceBytes * kPieceBytes, delivery_.bytes);
    }
    told_ = sent_ > 0;
  }

  // Of the row's bytes, where the next unit begins.
  int64_t sent() const { return sent_; }
  bool IsDone() const { return told_ && sent_ >= delivery_.bytes; }

  int64_t NextBytes() const {
    if (!delivery_.as_stored) return std::min(kPieceBytes, delivery_.bytes - sent_);
    return piece_ < pieces_.count() ? pieces_.begin(piece_ + 1) - pieces_.begin(piece_) : 0;
  }

  absl::StatusOr<OutgoingPart> Take() {
    const SliceRecord& record = delivery_.row.record;
    OutgoingPart part;
    part.kind = delivery_.row.key.kind;
    part.key = delivery_.row.key.key;
    part.dtype = delivery_.dtype;
    part.shape.assign(record.shape().begin(), record.shape().end());
    part.box = delivery_.box;
    const int64_t size = NextBytes();
    CAIRN_RETURN_IF_ERROR(delivery_.as_stored ? TakePiece(&part) : TakeRun(size, &part));
    sent_ += size;
    told_ = true;
    return part;
  }

 private:
  absl::Status TakePiece(OutgoingPart* part) {
    part->offset = delivery_.row.record.begin() + sent_;
    if (piece_ == pieces_.count()) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(PieceReader::Bytes read, pieces_.Read(piece_++));
    part->bytes = std::move(read.bytes);
    part->crc32c = read.crc32c;
    return absl::OkStatus();
  }

  absl::Status TakeRun(int64_t size, OutgoingPart* part) {
    part->offset = sent_;
    if (size == 0) return absl::OkStatus();
    part->offset += delivery_.first * delivery_.item_bytes;
    const int64_t first = delivery_.first + sent_ / delivery_.item_bytes;
    std::string stored;
    CAIRN_RETURN_IF_ERROR(CutOut(first, size / delivery_.item_bytes, &stored));
    std::string bytes;
    if (delivery_.dtype == delivery_.row.record.dtype()) {
      bytes = std::move(stored);
    } else {
      bytes.reserve(static_cast<size_t>(size));
      CastElements(delivery_.row.record.dtype(), delivery_.dtype, stored, &bytes);
    }
    part->crc32c = Crc32c(bytes);
    part->bytes = PinnedBytes(std::move(bytes));
    return absl::OkStatus();
  }

  // Gathers `count` elements of the box, from element `first` on.
  absl::Status CutOut(int64_t first, int64_t count, std::string* stored) {
    const int64_t item = delivery_.stored_item_bytes;
    stored->reserve(static_cast<size_t>(count * item));
    absl::Status status;
    ForEachRun(delivery_.row.key.box, delivery_.box, first, first + count,
               [&](int64_t slice_offset, int64_t, int64_t elements) {
                 if (!status.ok()) return;
                 const int64_t offset = slice_offset * item - delivery_.row.record.begin();
                 status = pieces_.AppendRange(offset, elements * item, stored);
               });
    return status;
  }

  const Delivery delivery_;
  PieceReader pieces_;
  int piece_ = 0;  // the next, as stored
  int64_t sent_ = 0;
  bool told_ = false;  // a unit was taken, or need not be
};

// The part of the selection's rows that a stream reads.
RangeSource RangesOf(const Selection& selection, const StreamToken& token) {
  std::string begin = token.begin.row_key;
  if (token.begin.sent == StreamPosition::kWholeRow) begin.push_back('\0');
  std::string end = token.end.row_key;
  if (!end.empty() && token.end.sent > 0) end.push_back('\0');
  return [ranges = selection.RangesFrom(std::move(begin)), end = std::move(end)] {
    std::optional<KeyRange> range = ranges();
    if (!range || end.empty()) return range;
    range->end = std::min(range->end, end);
    if (range->begin >= range->end) range.reset();
    return range;
  };
}

class SliceReaderImpl : public SliceReader {
 public:
  SliceReaderImpl(SliceReaderSource source, StreamToken token)
      : source_(std::move(source)),
        token_(std::move(token)),
        rows_(source_.table, source_.manifest, RangesOf(*source_.selection, token_)),
        last_row_key_(token_.begin.row_key) {}

  absl::StatusOr<std::vector<OutgoingPart>> Next(int64_t max_bytes) override {
    max_bytes = std::max(max_bytes, kPieceBytes);
    std::vector<OutgoingPart> parts;
    int64_t bytes = 0;
    int64_t description_bytes = 0;
    StreamPosition position = token_.begin;
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(OutgoingRow* const row, CurrentRow());
      if (row == nullptr) break;
      const int64_t size = row->NextBytes();
      const bool fits = bytes + size <= max_bytes && description_bytes < kMaxDescriptionBytes;
      if (!parts.empty() && !fits) break;
      CAIRN_ASSIGN_OR_RETURN(OutgoingPart part, row->Take());
      bytes += size;
      description_bytes += DescriptionBytes(part);
      parts.push_back(std::move(part));
      position = {last_row_key_, row->IsDone() ? StreamPosition::kWholeRow : row->sent()};
    }
    token_.begin = std::move(position);
    return parts;
  }

  std::string token() const override { return EncodeStreamToken(token_); }

 private:
  // The row of the next unit; nullptr at the end.
  absl::StatusOr<OutgoingRow*> CurrentRow() {
    while (!row_ || row_->IsDone() || row_->sent() >= limit_) {
      row_.reset();
      CAIRN_ASSIGN_OR_RETURN(const Row* const next, rows_.Next());
      if (next == nullptr) return nullptr;
      CAIRN_RETURN_IF_ERROR(BeginRow(*next));
    }
    return &*row_;
  }

  // Leaves no row if nothing of it is wanted.
  absl::Status BeginRow(const Row& row) {
    const bool first_of_tensor = TensorPrefix(row.key) != TensorPrefix(last_row_key_);
    const bool resumes = row.key == token_.begin.row_key;
    last_row_key_ = row.key;
    limit_ = row.key == token_.end.row_key ? token_.end.sent : StreamPosition::kWholeRow;
    CAIRN_ASSIGN_OR_RETURN(SliceRow slice, ParseSliceRow(row));
    const Selector* selector = source_.selection->Find(slice.key.kind, slice.key.key);
    if (selector == nullptr) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(std::optional<Delivery> delivery,
                           PlanDelivery(std::move(slice), *selector, first_of_tensor));
    if (!delivery) return absl::OkStatus();
    row_.emplace(source_.segments, *std::move(delivery));
    if (resumes) row_->Seek(token_.begin.sent);
    return absl::OkStatus();
  }

  const SliceReaderSource source_;
  StreamToken token_;  // where the parts end that Next returned last
  RowScanner rows_;
  std::string last_row_key_;  // the current row's, or of the row before the first
  std::optional<OutgoingRow> row_;
  int64_t limit_ =
      StreamPosition::kWholeRow;  // units of row_ that begin later are another stream's
};

}  // namespace

std::unique_ptr<SliceReader> MakeSliceReader(SliceReaderSource source, StreamToken token) {
  return std::make_unique<SliceReaderImpl>(std::move(source), std::move(token));
}

}  // namespace cairn::storage
