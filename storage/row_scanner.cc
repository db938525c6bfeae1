#include "storage/row_scanner.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cairn::storage {
namespace {

// An engine reads a page's rows whether the range holds them or not; most ranges hold few.
constexpr int kFirstPageRows = 4;
constexpr int kPageGrowth = 4;

}  // namespace

RowScanner::RowScanner(Table* table, const Uid& manifest, RangeSource ranges)
    : table_(table),
      partition_(Partition::Manifest(manifest)),
      ranges_(std::move(ranges)),
      range_(ranges_()) {}

RowScanner::RowScanner(Table* table, const Uid& manifest, std::vector<KeyRange> ranges)
    : RowScanner(table, manifest, [ranges = std::move(ranges), next = size_t{0}]() mutable {
        return next < ranges.size() ? std::optional<KeyRange>(ranges[next++]) : std::nullopt;
      }) {}

absl::StatusOr<const Row*> RowScanner::Next() {
  while (next_ == page_.rows.size()) {
    if (range_.has_value() && page_.complete) {
      range_ = ranges_();
      page_rows_ = 0;
    }
    if (!range_.has_value()) return nullptr;
    page_rows_ = std::min(std::max(page_rows_ * kPageGrowth, kFirstPageRows), kMaxBatchRows);
    CAIRN_ASSIGN_OR_RETURN(page_, table_->Scan(partition_, range_->begin, range_->end, page_rows_));
    next_ = 0;
    if (!page_.rows.empty()) range_->begin = page_.rows.back().key + '\0';
  }
  return &page_.rows[next_++];
}

}  // namespace cairn::storage
