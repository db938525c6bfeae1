#include "storage/slice_list.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "storage/directory_keys.h"
#include "storage/manifest.h"
#include "storage/row_scanner.h"
#include "storage/selection.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

// What a call looks at for a writer who saved little before it gives its page as it is.
constexpr int kMaxRowsLookedAt = 100000;

// Tells which rows a writer saved. Rows are asked for in ascending order.
class WriterRows {
 public:
  // `begin`: the first row that may be asked for. An empty writer stands for all.
  WriterRows(Table* table, const Uid& manifest, std::string writer, absl::string_view begin)
      : writer_(std::move(writer)),
        resaved_(table, manifest, {RangeFrom(RowsResavedBy(writer_), writer_, begin)}) {}

  absl::StatusOr<bool> Has(const Row& row, const SliceRecord& record) {
    if (writer_.empty() || record.writer() == writer_) return true;
    const std::string key = EncodeResavedKey(writer_, FirstPart(row.key));
    while (!ended_ && (next_ == nullptr || next_->key < key)) {
      CAIRN_ASSIGN_OR_RETURN(next_, resaved_.Next());
      ended_ = next_ == nullptr;
    }
    return !ended_ && next_->key == key;
  }

 private:
  // Only the first part of a slice has a row of its own.
  static std::string FirstPart(absl::string_view row_key) {
    const SliceKey key = DecodeSliceKey(row_key).value();
    return EncodeSliceKey(key.kind, key.key, key.box, 0);
  }

  static KeyRange RangeFrom(KeyRange range, absl::string_view writer, absl::string_view begin) {
    if (!begin.empty()) range.begin = EncodeResavedKey(writer, FirstPart(begin));
    return range;
  }

  const std::string writer_;
  RowScanner resaved_;
  const Row* next_ = nullptr;
  bool ended_ = false;
};

absl::StatusOr<Selection> SelectionOf(const SliceFilter& filter, absl::string_view separator) {
  if (separator.size() > 1) return InvalidField("key_separator", "is not one character");
  std::vector<Selector> selectors;
  for (const TensorKind kind : {TensorKind::kAttachment, TensorKind::kTensor}) {
    if (filter.kind.value_or(kind) != kind) continue;
    selectors.emplace_back();
    selectors.back().kind = kind;
    selectors.back().key_prefix = filter.key_prefix;
  }
  return Selection::Make(selectors, separator.empty() ? '/' : separator[0]);
}

StoredPart PartOf(SliceRow row, bool digests) {
  StoredPart part;
  part.kind = row.key.kind;
  part.key = std::move(row.key.key);
  part.box = std::move(row.key.box);
  part.record = std::move(row.record);
  part.record.clear_segments();
  if (!digests) part.record.clear_pieces();
  for (v1::Piece& piece : *part.record.mutable_pieces()) {
    piece.clear_extents();
    piece.clear_inline_bytes();
  }
  return part;
}

}  // namespace

absl::StatusOr<ListPage<StoredPart>> ListSlices(Table* table, const Uid& manifest,
                                                absl::string_view key_separator,
                                                const SliceFilter& filter, absl::string_view after,
                                                int page_size) {
  if (!filter.writer.empty()) CAIRN_RETURN_IF_ERROR(ValidateName("writer", filter.writer));
  CAIRN_ASSIGN_OR_RETURN(const Selection selection, SelectionOf(filter, key_separator));
  if (!after.empty() && !DecodeSliceKey(after)) {
    return InvalidField("page_token", "is none that this list gave; leave it out to begin again");
  }
  std::string begin(after);
  if (!begin.empty()) begin.push_back('\0');
  RowScanner rows(table, manifest, selection.RangesFrom(std::move(begin)));
  WriterRows writer(table, manifest, filter.writer, after);
  ListPage<StoredPart> page;
  const size_t limit = std::clamp(page_size, 1, kMaxPageSize);
  int64_t bytes = 0;
  std::string last;
  for (int looked_at = 0;; ++looked_at) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) return page;
    const bool full = page.items.size() == limit || bytes >= kMaxSliceListBytes;
    if (full || looked_at == kMaxRowsLookedAt) {
      page.next = std::move(last);
      return page;
    }
    last = row->key;
    CAIRN_ASSIGN_OR_RETURN(SliceRow slice, ParseSliceRow(*row));
    CAIRN_ASSIGN_OR_RETURN(const bool saved, writer.Has(*row, slice.record));
    if (!saved) continue;
    page.items.push_back(PartOf(std::move(slice), filter.digests));
    bytes += static_cast<int64_t>(row->key.size() + page.items.back().record.ByteSizeLong());
  }
}

}  // namespace cairn::storage
