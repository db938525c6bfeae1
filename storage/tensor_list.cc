#include "storage/tensor_list.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "storage/manifest.h"
#include "storage/row_scanner.h"
#include "storage/selection.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

Uid ManifestOf(const CheckpointRecord& checkpoint) {
  const std::optional<Uid> uid = Uid::FromBytes(checkpoint.uid());
  CAIRN_CHECK(uid);
  return *uid;
}

TensorInfo Begin(const SliceRow& first) {
  TensorInfo tensor;
  tensor.kind = first.key.kind;
  tensor.key = first.key.key;
  tensor.dtype = first.record.dtype();
  tensor.shape.assign(first.record.shape().begin(), first.record.shape().end());
  tensor.partial = first.record.partial();
  return tensor;
}

// Adds a row's part; the rows of a slice come one after the other.
void Add(const SliceRow& row, bool with_slices, TensorInfo* tensor) {
  const int64_t bytes = row.record.end() - row.record.begin();
  tensor->logical_bytes += bytes;
  const bool begins_slice = row.record.begin() == 0;
  tensor->slice_count += begins_slice;
  if (!with_slices) return;
  if (begins_slice) {
    tensor->slices.push_back({row.key.box, 0, row.record.writer(), row.record.open_dimensions()});
  }
  if (!tensor->slices.empty()) tensor->slices.back().bytes += bytes;
}

// Folds rows into tensors until `rows` ends or the tensor after `max_tensors` begins.
absl::StatusOr<std::vector<TensorInfo>> Fold(RowScanner* rows, bool with_slices, int max_tensors,
                                             bool* more) {
  std::vector<TensorInfo> tensors;
  *more = false;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows->Next());
    if (row == nullptr) return tensors;
    CAIRN_ASSIGN_OR_RETURN(const SliceRow slice, ParseSliceRow(*row));
    if (tensors.empty() || tensors.back().key != slice.key.key) {
      *more = tensors.size() == static_cast<size_t>(max_tensors);
      if (*more) return tensors;
      tensors.push_back(Begin(slice));
    }
    Add(slice, with_slices, &tensors.back());
  }
}

// The last two keys before `wanted`, then the first two that are not before it.
absl::StatusOr<std::vector<std::string>> Neighbors(Table* table, const Uid& manifest,
                                                   TensorKind kind, absl::string_view wanted) {
  constexpr size_t kEachSide = 2;
  std::deque<std::string> keys;
  size_t after = 0;
  RowScanner rows(table, manifest, {RowsOfKind(kind)});
  while (after < kEachSide) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) break;
    absl::string_view key = TensorPrefix(row->key);
    key = key.substr(1, key.size() - 2);
    if (!keys.empty() && keys.back() == key) continue;
    keys.emplace_back(key);
    if (key >= wanted) {
      ++after;
    } else if (keys.size() > kEachSide) {
      keys.pop_front();
    }
  }
  return std::vector<std::string>(keys.begin(), keys.end());
}

absl::Status TensorNotFound(Table* table, const CheckpointRecord& checkpoint, TensorKind kind,
                            absl::string_view wanted) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> neighbors,
                         Neighbors(table, ManifestOf(checkpoint), kind, wanted));
  const std::string near = absl::StrJoin(neighbors, ", ");
  const absl::string_view noun = kind == TensorKind::kTensor ? "tensor" : "attachment";
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("cannot find ", noun, " \"", wanted, "\" in the checkpoint; ",
                                neighbors.empty() ? absl::StrCat("it has no ", noun)
                                                  : absl::StrCat("the nearest keys are ", near)),
                   {{"selector", wanted}, {"neighbors", near}});
}

absl::Status KeysNotFound(const KeySet& set) {
  constexpr size_t kShownKeys = 4;
  const size_t shown = std::min(set.keys.size(), kShownKeys);
  const std::string keys = absl::StrJoin(set.keys.begin(), set.keys.begin() + shown, ", ");
  const std::string more =
      shown < set.keys.size() ? absl::StrCat(" and ", set.keys.size() - shown, " more") : "";
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("cannot find any tensor of \"", set.selector,
                                "\": the checkpoint lacks all of its keys, ", keys, more),
                   {{"selector", set.selector}, {"neighbors", ""}});
}

}  // namespace

absl::StatusOr<ListPage<TensorInfo>> ListTensors(Table* table, const CheckpointRecord& checkpoint,
                                                 const Selector& selector, bool with_slices,
                                                 absl::string_view after, int page_size) {
  CAIRN_ASSIGN_OR_RETURN(const Selection selection,
                         Selection::Make({&selector, 1}, SeparatorOf(checkpoint)));
  RowScanner rows(
      table, ManifestOf(checkpoint),
      selection.RangesFrom(after.empty() ? "" : RowsOfTensor(selector.kind, after).end));
  ListPage<TensorInfo> page;
  bool more = false;
  CAIRN_ASSIGN_OR_RETURN(page.items,
                         Fold(&rows, with_slices, std::clamp(page_size, 1, kMaxPageSize), &more));
  if (more) page.next = page.items.back().key;
  if (page.items.empty() && after.empty() && !SelectsAll(selector)) {
    return SelectedNotFound(table, checkpoint, selector);
  }
  return page;
}

absl::StatusOr<TensorInfo> GetTensor(Table* table, const CheckpointRecord& checkpoint,
                                     TensorKind kind, absl::string_view key) {
  RowScanner rows(table, ManifestOf(checkpoint), {RowsOfTensor(kind, key)});
  bool more = false;
  CAIRN_ASSIGN_OR_RETURN(std::vector<TensorInfo> tensors,
                         Fold(&rows, /*with_slices=*/true, 1, &more));
  if (tensors.empty()) return TensorNotFound(table, checkpoint, kind, key);
  return std::move(tensors[0]);
}

absl::Status SelectedNotFound(Table* table, const CheckpointRecord& checkpoint,
                              const Selector& selector) {
  if (selector.keys) return KeysNotFound(*selector.keys);
  return TensorNotFound(table, checkpoint, selector.kind,
                        selector.key ? *selector.key : selector.key_prefix.value_or(""));
}

}  // namespace cairn::storage
