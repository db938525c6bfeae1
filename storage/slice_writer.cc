#include "storage/slice_writer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/crc32c.h"
#include "base/dtype.h"
#include "base/error.h"
#include "storage/base_slices.h"
#include "storage/piece_builder.h"
#include "storage/segment_uses.h"
#include "storage/slice_keys.h"
#include "storage/slice_rows.h"
#include "storage/slice_spec.h"

namespace cairn::storage {
namespace {

constexpr absl::Duration kTouchEvery = absl::Seconds(5);
// Rows wait in memory for their segment; this many or so many bytes of them end it early. It keeps
// the bitmap of a segment's row far below kMaxValueBytes, too.
constexpr size_t kMaxWaitingRows = 32 << 10;
constexpr int64_t kMaxWaitingBytes = 8 << 20;

// What a record takes for its pieces, without inline bytes: far below kMaxValueBytes. Sent pieces
// come nowhere near it, those of a base may be of any size.
constexpr size_t kMaxPiecesBytes = 56 << 10;
constexpr size_t kPieceRecordBytes = 32;  // at most, without extents
constexpr size_t kExtentBytes = 40;       // at most, with the uid of its segment
constexpr int kMaxInlinePieces = 256;

// The part that is being received.
struct OpenPart {
  SliceSpec slice;
  std::optional<int64_t> slice_bytes;  // unknown where elements have no fixed width
  int64_t item_bytes = 1;              // of an element; 1 where they have none
  int64_t next = 0;                    // where in the slice the next byte belongs
  int64_t limit = 0;                   // where the part ends at the latest
  SliceRecord record;                  // of the row that is being filled
  size_t pieces_bytes = 0;             // of the record
};

class SliceWriterImpl : public SliceWriter {
 public:
  explicit SliceWriterImpl(SliceWriterTarget target) : target_(std::move(target)) {
    if (!target_.base) return;
    base_.emplace(target_.table, *target_.base);
    base_owners_.emplace(target_.table, *target_.base);
  }

  absl::Status Append(const SliceSpec& slice, int64_t offset,
                      absl::Span<const absl::string_view> bytes,
                      std::optional<uint32_t> crc32c) override {
    CAIRN_RETURN_IF_ERROR(TouchIfDue());
    CAIRN_RETURN_IF_ERROR(GoTo(slice, offset));
    uint32_t message_crc32c = 0;
    int64_t message_bytes = 0;
    const auto end_section = [&] {
      const PieceBuilder::Section section = piece_.EndSection();
      message_crc32c = message_bytes == 0
                           ? section.crc32c
                           : ConcatCrc32c(message_crc32c, section.crc32c, section.bytes);
      message_bytes += section.bytes;
    };
    for (absl::string_view rest : bytes) {
      while (!rest.empty()) {
        CAIRN_RETURN_IF_ERROR(MakeRoom());
        // After pieces of the base, too, pieces end at multiples of kPieceBytes.
        const int64_t room =
            std::min(part_->limit - part_->next, kPieceBytes - part_->next % kPieceBytes);
        const absl::string_view some = rest.substr(0, static_cast<size_t>(room));
        piece_.Append(some);
        part_->next += static_cast<int64_t>(some.size());
        rest.remove_prefix(some.size());
        if (part_->next % kPieceBytes != 0) continue;
        end_section();
        CAIRN_RETURN_IF_ERROR(EndPiece());
      }
    }
    end_section();
    if (crc32c && *crc32c != message_crc32c) return ChecksumMismatch(*crc32c, message_crc32c);
    return EndFullPart();
  }

  absl::Status AppendFromBase(const SliceSpec& slice, int64_t offset, int64_t length,
                              const BaseRange& base, std::optional<uint32_t> crc32c) override {
    if (!base_) {
      return InvalidField("base_range", absl::StrCat("of ", slice.key,
                                                     " takes bytes of a base, and the session has "
                                                     "none; name one when it opens"));
    }
    CAIRN_RETURN_IF_ERROR(TouchIfDue());
    CAIRN_RETURN_IF_ERROR(GoTo(slice, offset));
    if (piece_.size() > 0) CAIRN_RETURN_IF_ERROR(EndPiece());
    uint32_t base_crc32c = 0;
    bool summed = true;
    int64_t bytes = 0;
    CAIRN_RETURN_IF_ERROR(base_->ForEachPiece(
        base, length, [&](const SliceRecord& record, const v1::Piece& piece) -> absl::Status {
          summed = summed && piece.has_crc32c();
          base_crc32c = bytes == 0 ? piece.crc32c()
                                   : ConcatCrc32c(base_crc32c, piece.crc32c(), piece.length());
          bytes += piece.length();
          return AddBasePiece(record, piece);
        }));
    if (crc32c && summed && *crc32c != base_crc32c) return ChecksumMismatch(*crc32c, base_crc32c);
    return EndFullPart();
  }

  absl::Status Finish() override {
    CAIRN_RETURN_IF_ERROR(EndSlice());
    return Flush();
  }

  absl::Status Salvage() override {
    DropPart();
    return rows_.empty() ? absl::OkStatus() : Flush();
  }

  WriterProgress progress() const override { return progress_; }

 private:
  // --- Slices and parts

  bool Continues(const SliceSpec& slice, int64_t offset) const {
    return part_ && offset == part_->next && slice.kind == part_->slice.kind &&
           slice.key == part_->slice.key && slice.box == part_->slice.box &&
           slice.dtype == part_->slice.dtype && slice.shape == part_->slice.shape &&
           slice.partial == part_->slice.partial;
  }

  // Makes `offset` of the slice the place where the next byte belongs.
  absl::Status GoTo(const SliceSpec& slice, int64_t offset) {
    if (Continues(slice, offset)) return absl::OkStatus();
    CAIRN_RETURN_IF_ERROR(EndSlice());
    return BeginPart(slice, offset);
  }

  absl::Status BeginPart(const SliceSpec& slice, int64_t offset) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<int64_t> slice_bytes, ValidateSlice(slice));
    CAIRN_RETURN_IF_ERROR(ValidatePartStart(slice, offset, slice_bytes));
    OpenPart& part = part_.emplace();
    part.slice = slice;
    part.slice_bytes = slice_bytes;
    if (slice_bytes) part.item_bytes = FindDtype(slice.dtype)->item_bytes;
    part.next = offset;
    part.limit = std::min(offset + kPartBytes, slice_bytes.value_or(kMaxSliceBytes));
    part.record.set_dtype(slice.dtype);
    part.record.mutable_shape()->Add(slice.shape.begin(), slice.shape.end());
    part.record.mutable_start()->Add(slice.box.start.begin(), slice.box.start.end());
    part.record.mutable_length()->Add(slice.box.length.begin(), slice.box.length.end());
    part.record.set_begin(offset);
    part.record.set_slice_bytes(slice_bytes.value_or(0));
    part.record.set_open_dimensions(slice.open_dimensions);
    part.record.set_writer(target_.writer);
    part.record.set_partial(slice.partial);
    return absl::OkStatus();
  }

  // Makes place for at least one more byte of the slice.
  absl::Status MakeRoom() {
    if (part_->next < part_->limit) return absl::OkStatus();
    if (part_->next >= part_->slice_bytes.value_or(kMaxSliceBytes)) {
      return InvalidField(
          "bytes", absl::StrCat("pass the end of slice ", Name(), " at ", part_->next, " bytes"));
    }
    const SliceSpec slice = part_->slice;
    const int64_t next = part_->next;
    CAIRN_RETURN_IF_ERROR(EndPart());
    return BeginPart(slice, next);
  }

  // Ends what is open, if anything, because something else comes.
  absl::Status EndSlice() {
    if (!part_) return absl::OkStatus();
    if (!part_->slice_bytes) {
      CAIRN_RETURN_IF_ERROR(ValidateVariableBytes(part_->slice, part_->next));
      part_->record.set_slice_bytes(part_->next);
    } else if (part_->next < part_->limit) {
      return InvalidField("offset",
                          absl::StrCat("slice ", Name(), " was left at byte ", part_->next,
                                       "; send it in order up to ", part_->limit));
    }
    return EndPart();
  }

  absl::Status EndFullPart() {
    return part_->slice_bytes && part_->next == part_->limit ? EndPart() : absl::OkStatus();
  }

  absl::Status EndPart() {
    part_->record.set_end(part_->next);
    if (piece_.size() > 0) CAIRN_RETURN_IF_ERROR(EndPiece());
    AddRow(std::move(part_->record));
    part_.reset();
    return FlushIfMuchWaits();
  }

  // Lets the part go on in another row from `offset` on, before the piece that begins there.
  absl::Status CutRow(int64_t offset) {
    SliceRecord next = part_->record;
    next.clear_segments();
    next.clear_pieces();
    next.set_begin(offset);
    part_->record.set_end(offset);
    part_->pieces_bytes = 0;
    AddRow(std::exchange(part_->record, std::move(next)));
    return FlushIfMuchWaits();
  }

  void AddRow(SliceRecord record) {
    const uint32_t number = PartNumber(record.begin());
    std::string row_key =
        EncodeSliceKey(part_->slice.kind, part_->slice.key, part_->slice.box, number);
    waiting_bytes_ += static_cast<int64_t>(row_key.size() + record.ByteSizeLong());
    rows_.push_back({std::move(row_key), std::move(record)});
  }

  absl::Status FlushIfMuchWaits() {
    const bool enough = rows_.size() >= kMaxWaitingRows || waiting_bytes_ > kMaxWaitingBytes;
    return enough ? Flush() : absl::OkStatus();
  }

  // Forgets the part that is open. No row will point to its chunks.
  void DropPart() {
    if (!part_) return;
    for (const v1::Piece& piece : part_->record.pieces()) {
      for (const v1::ChunkExtent& extent : piece.extents()) {
        const std::string& segment = part_->record.segments(static_cast<int>(extent.segment()));
        if (segment_ == nullptr || segment != segment_info_.uid.bytes()) continue;
        segment_info_.unused.push_back(extent.chunk());
        segment_info_.unused_bytes += extent.length();
      }
    }
    piece_.Clear();
    part_.reset();
  }

  // --- Pieces and chunks

  absl::Status EndPiece() {
    CAIRN_RETURN_IF_ERROR(MakeRoomInRow(part_->next - piece_.size(), /*extents=*/1));
    CAIRN_RETURN_IF_ERROR(AddPiece(piece_.Describe(), piece_.bytes()));
    piece_.Clear();
    return absl::OkStatus();
  }

  // Adds a piece whose bytes are at hand.
  absl::Status AddPiece(v1::Piece piece, absl::string_view bytes) {
    const auto size = static_cast<int64_t>(bytes.size());
    if (StaysInline(size)) {
      piece.set_inline_bytes(std::string(bytes));
      held_bytes_ += size;
    } else {
      CAIRN_RETURN_IF_ERROR(AppendHeld());
      CAIRN_RETURN_IF_ERROR(AppendChunk(bytes, &piece, &part_->record));
    }
    *part_->record.add_pieces() = std::move(piece);
    return absl::OkStatus();
  }

  // Adds a piece of the base next: its bytes stay where they are, unless they stand in its row.
  absl::Status AddBasePiece(const SliceRecord& base, const v1::Piece& piece) {
    CAIRN_RETURN_IF_ERROR(MakeRoom());
    if (piece.length() > part_->limit - part_->next) {
      return InvalidField("base_range",
                          absl::StrCat("brings a piece of ", piece.length(), " bytes to byte ",
                                       part_->next, " of slice ", Name(), ", past the end at ",
                                       part_->limit, "; send these bytes"));
    }
    // Whoever cuts boxes out of rows relies on it.
    if (part_->next % part_->item_bytes != 0 || piece.length() % part_->item_bytes != 0) {
      return InvalidField(
          "base_range",
          absl::StrCat("brings a piece of ", piece.length(), " bytes to byte ", part_->next,
                       " of slice ", Name(), ", which cuts an element of ", part_->item_bytes,
                       " bytes; send these bytes"));
    }
    CAIRN_RETURN_IF_ERROR(MakeRoomInRow(part_->next, std::max(1, piece.extents_size())));
    part_->next += piece.length();
    v1::Piece copy = piece;
    copy.clear_extents();
    copy.clear_inline_bytes();
    if (!piece.inline_bytes().empty()) return AddPiece(std::move(copy), piece.inline_bytes());
    CAIRN_RETURN_IF_ERROR(base_owners_->AddUses(base, piece, &reused_));
    for (const v1::ChunkExtent& extent : piece.extents()) {
      v1::ChunkExtent* copied = copy.add_extents();
      *copied = extent;
      copied->set_segment(IndexOfSegment(base.segments(extent.segment()), &part_->record));
    }
    *part_->record.add_pieces() = std::move(copy);
    return absl::OkStatus();
  }

  // Cuts the row if the piece that begins at `offset` would make its record too large.
  absl::Status MakeRoomInRow(int64_t offset, int extents) {
    const size_t bytes = kPieceRecordBytes + kExtentBytes * static_cast<size_t>(extents);
    if (part_->pieces_bytes + bytes > kMaxPiecesBytes) {
      // Rows of a slice are told apart by the MiB in which they begin.
      if (PartNumber(offset) == PartNumber(part_->record.begin())) {
        return InvalidField("base_range",
                            absl::StrCat("brings more pieces than a row holds to one MiB of slice ",
                                         Name(), " before byte ", offset, "; send these bytes"));
      }
      CAIRN_RETURN_IF_ERROR(CutRow(offset));
    }
    part_->pieces_bytes += bytes;
    return absl::OkStatus();
  }

  // The segment's place in the record's list, where it is put if it is not there.
  static uint32_t IndexOfSegment(absl::string_view uid, SliceRecord* record) {
    for (int i = record->segments_size() - 1; i >= 0; --i) {
      if (record->segments(i) == uid) return static_cast<uint32_t>(i);
    }
    record->add_segments(std::string(uid));
    return static_cast<uint32_t>(record->segments_size() - 1);
  }

  // Whether a piece waits in its record: either the stream may yet end below kMinSegmentBytes, or
  // its part is to be inline however long the stream is.
  bool StaysInline(int64_t size) const {
    const bool part_ended = part_->record.end() > part_->record.begin();
    const bool is_whole_part = part_ended && part_->record.pieces_size() == 0;
    if (target_.inline_parts && is_whole_part && IsInlineSize(part_->record)) return true;
    return !writes_segments_ && held_bytes_ + size < kMinSegmentBytes;
  }

  // The stream is long enough for segments: what waited in records goes there too.
  absl::Status AppendHeld() {
    if (std::exchange(writes_segments_, true)) return absl::OkStatus();
    for (SliceRowToWrite& row : rows_) {
      if (!target_.inline_parts || !IsInlineSize(row.record)) {
        CAIRN_RETURN_IF_ERROR(MoveToSegment(&row.record));
      }
    }
    return MoveToSegment(&part_->record);
  }

  static bool IsInlineSize(const SliceRecord& record) {
    return record.end() - record.begin() <= kMaxInlinePartBytes &&
           record.pieces_size() <= kMaxInlinePieces;
  }

  absl::Status MoveToSegment(SliceRecord* record) {
    for (v1::Piece& piece : *record->mutable_pieces()) {
      if (piece.inline_bytes().empty()) continue;
      CAIRN_RETURN_IF_ERROR(AppendChunk(piece.inline_bytes(), &piece, record));
      piece.clear_inline_bytes();
    }
    return absl::OkStatus();
  }

  absl::Status AppendChunk(absl::string_view bytes, v1::Piece* piece, SliceRecord* record) {
    const auto size = static_cast<int64_t>(bytes.size());
    if (segment_ && segment_info_.bytes + size > kMaxSegmentBytes) CAIRN_RETURN_IF_ERROR(Flush());
    if (!segment_) CAIRN_RETURN_IF_ERROR(BeginSegment());
    CAIRN_ASSIGN_OR_RETURN(const uint32_t chunk, segment_->Append(bytes), "writing a segment");
    segment_info_.chunk_count = chunk;
    segment_info_.bytes += size;
    v1::ChunkExtent* extent = piece->add_extents();
    extent->set_segment(IndexOfSegment(segment_info_.uid.bytes(), record));
    extent->set_chunk(chunk);
    extent->set_length(static_cast<uint32_t>(size));
    return absl::OkStatus();
  }

  absl::Status BeginSegment() {
    v1::SegmentHeader header;
    header.set_format(1);
    header.set_directory_uid(std::string(target_.directory.bytes()));
    header.set_manifest_uid(std::string(target_.manifest.bytes()));
    header.set_create_time(absl::ToUnixMicros(target_.clock->Now()));
    segment_info_ = {.uid = target_.random->NextUid(), .owner = target_.directory};
    CAIRN_ASSIGN_OR_RETURN(
        segment_, target_.segments->NewWriter(segment_info_.uid, header.SerializeAsString()),
        "beginning a segment");
    return absl::OkStatus();
  }

  // --- Durability

  // Makes the waiting parts durable, with the segment; of the open part, its chunks.
  absl::Status Flush() {
    CAIRN_RETURN_IF_ERROR(Touch());
    for (SliceRowToWrite& row : rows_) {
      if (!IsInlineSize(row.record)) CAIRN_RETURN_IF_ERROR(MoveToSegment(&row.record));
    }
    std::optional<FinishedSegment> finished;
    if (segment_) {
      CAIRN_RETURN_IF_ERROR(segment_->Finish(), "finishing a segment");
      finished = std::exchange(segment_info_, {});
      finished->stored_bytes = std::exchange(segment_, nullptr)->stored_bytes();
    }
    WriterProgress durable = progress_;
    for (const SliceRowToWrite& row : rows_) AddTo(&durable, row.record);
    waiting_bytes_ = 0;
    CAIRN_RETURN_IF_ERROR(
        WriteSegmentUses(target_.table, target_.manifest, std::exchange(reused_, {})));
    CAIRN_ASSIGN_OR_RETURN(const bool used, WriteSliceRows(target_.table, target_.manifest,
                                                           std::exchange(rows_, {}), finished));
    if (finished && used) durable.stored_bytes += finished->stored_bytes;
    // Best effort: the collector finds what this leaves.
    if (finished && !used) (void)target_.segments->Remove({finished->uid});
    progress_ = durable;
    return absl::OkStatus();
  }

  static void AddTo(WriterProgress* progress, const SliceRecord& record) {
    const bool ends_part = record.end() % kPartBytes == 0 || record.end() == record.slice_bytes();
    progress->durable_parts += ends_part;
    progress->durable_bytes += record.end() - record.begin();
    for (const v1::Piece& piece : record.pieces()) {
      progress->stored_bytes += static_cast<int64_t>(piece.inline_bytes().size());
    }
  }

  absl::Status TouchIfDue() {
    const bool due = !touched_ || target_.clock->Now() - *touched_ >= kTouchEvery;
    return due ? Touch() : absl::OkStatus();
  }

  absl::Status Touch() {
    CAIRN_RETURN_IF_ERROR(target_.touch());
    touched_ = target_.clock->Now();
    return absl::OkStatus();
  }

  // --- Messages

  std::string Name() const {
    return absl::StrCat(ToString(part_->slice.box), " of ", part_->slice.key);
  }

  absl::Status ChecksumMismatch(uint32_t expected, uint32_t found) const {
    return MakeError(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH,
                     absl::StatusCode::kInvalidArgument,
                     absl::StrCat("cannot take bytes of slice ", Name(), " before byte ",
                                  part_->next, ": their crc32c is ", found, ", the sender summed ",
                                  expected, "; send them again"),
                     {{"key", part_->slice.key}});
  }

  const SliceWriterTarget target_;
  PieceBuilder piece_;
  std::optional<OpenPart> part_;
  std::vector<SliceRowToWrite> rows_;  // complete, not durable
  int64_t waiting_bytes_ = 0;          // keys and records of rows_
  int64_t held_bytes_ = 0;             // what was ever put inline
  bool writes_segments_ = false;       // the stream reached kMinSegmentBytes
  std::unique_ptr<SegmentWriter> segment_;
  FinishedSegment segment_info_;  // of segment_, growing
  std::optional<BaseSlices> base_;
  std::optional<SegmentOwners> base_owners_;
  ReusedSegments reused_;  // by rows that are not durable
  std::optional<absl::Time> touched_;
  WriterProgress progress_;
};

}  // namespace

std::unique_ptr<SliceWriter> MakeSliceWriter(SliceWriterTarget target) {
  return std::make_unique<SliceWriterImpl>(std::move(target));
}

}  // namespace cairn::storage
