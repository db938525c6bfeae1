#include "storage/base_slices.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/error.h"
#include "base/key_text.h"
#include "storage/row_scanner.h"
#include "storage/slice_keys.h"
#include "storage/slice_spec.h"

namespace cairn::storage {
namespace {

absl::Status NoSuchSlice(const BaseRange& range, absl::string_view found) {
  return InvalidField("base_range", absl::StrCat("names ", range.key, ": ", found,
                                                 "; ListSlices tells the slices of the base"));
}

// `begin` and `end`: the piece that byte `offset` cuts.
absl::Status CutsAPiece(const BaseRange& range, int64_t offset, int64_t begin, int64_t end) {
  return InvalidField(
      "base_range",
      absl::StrCat("of ", range.key, " cuts a piece at byte ", offset,
                   " of the stored slice: take whole ones, one is from byte ", begin, " to ", end));
}

bool Holds(const SliceRow& row, const BaseRange& range, const Box& box, int64_t offset) {
  return row.key.kind == range.kind && row.key.key == range.key && row.key.box == box &&
         row.record.begin() <= offset && offset < row.record.end();
}

}  // namespace

absl::StatusOr<Box> BaseSlices::BoxOf(const BaseRange& range) const {
  const bool given =
      !range.slice.empty() && std::all_of(range.slice.begin(), range.slice.end(),
                                          [](const ExtentSpec& extent) { return extent.length; });
  if (given && range.slice.size() <= static_cast<size_t>(kMaxRank)) {
    Box box;
    for (const ExtentSpec& extent : range.slice) {
      box.start.push_back(extent.start);
      box.length.push_back(*extent.length);
    }
    return box;
  }
  RowScanner rows(table_, manifest_, {RowsOfTensor(range.kind, range.key)});
  CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
  if (row == nullptr) return NoSuchSlice(range, "the base has no such key");
  CAIRN_ASSIGN_OR_RETURN(const SliceRow first, ParseSliceRow(*row));
  const std::vector<int64_t> shape(first.record.shape().begin(), first.record.shape().end());
  return ResolveBox(range.slice, shape);
}

absl::Status BaseSlices::Load(const BaseRange& range, const Box& box, int64_t offset) {
  if (row_ && Holds(*row_, range, box, offset)) return absl::OkStatus();
  row_.reset();
  // Every part begins a row, and may take several.
  const int64_t part = offset / kPartBytes * kPartBytes;
  KeyRange rows_of_slice{EncodeSliceKey(range.kind, range.key, box, PartNumber(part)),
                         RowsOfTensor(range.kind, range.key).end};
  RowScanner rows(table_, manifest_, {std::move(rows_of_slice)});
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) break;
    CAIRN_ASSIGN_OR_RETURN(SliceRow slice, ParseSliceRow(*row));
    if (slice.key.box != box || slice.record.begin() > offset) break;
    if (!Holds(slice, range, box, offset)) continue;
    row_ = std::move(slice);
    return absl::OkStatus();
  }
  return NoSuchSlice(range,
                     absl::StrCat("the base has no byte ", offset, " of slice ", ToString(box)));
}

absl::Status BaseSlices::ForEachPiece(
    const BaseRange& range, int64_t length,
    absl::FunctionRef<absl::Status(const SliceRecord& record, const v1::Piece& piece)> visit) {
  if (length < 1 || range.offset < 0 || range.offset > kMaxSliceBytes ||
      length > kMaxSliceBytes - range.offset) {
    return InvalidField("base_range",
                        absl::StrCat("of ", range.key, " takes ", length, " bytes from byte ",
                                     range.offset, " on; it takes at least one, from byte 0 on"));
  }
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(range.key), "base_range");
  if (range.kind != TensorKind::kAttachment && range.kind != TensorKind::kTensor) {
    return InvalidField("base_range.kind", "is neither a tensor nor an attachment");
  }
  CAIRN_ASSIGN_OR_RETURN(const Box box, BoxOf(range));
  int64_t next = range.offset;
  const int64_t end = range.offset + length;
  while (next < end) {
    CAIRN_RETURN_IF_ERROR(Load(range, box, next));
    int64_t piece_begin = row_->record.begin();
    for (const v1::Piece& piece : row_->record.pieces()) {
      const int64_t piece_end = piece_begin + piece.length();
      if (piece_end > next && next < end) {
        if (piece_begin < next) return CutsAPiece(range, next, piece_begin, piece_end);
        if (piece_end > end) return CutsAPiece(range, end, piece_begin, piece_end);
        CAIRN_RETURN_IF_ERROR(visit(row_->record, piece));
        next = piece_end;
      }
      piece_begin = piece_end;
    }
    if (next < end && next < row_->record.end()) {
      return DamagedRow("", "the pieces of a slice row do not add up to its bytes");
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
