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

RowScanner::RowScanner(Table* table, const Uid& manifest, std::vector<KeyRange> ranges)
    : table_(table), partition_(Partition::Manifest(manifest)), ranges_(std::move(ranges)) {
  if (!ranges_.empty()) begin_ = ranges_[0].begin;
}

absl::StatusOr<const Row*> RowScanner::Next() {
  while (next_ == page_.rows.size()) {
    if (page_.complete) {
      if (++range_ >= ranges_.size()) return nullptr;
      begin_ = ranges_[range_].begin;
      page_rows_ = 0;
    } else if (range_ >= ranges_.size()) {
      return nullptr;
    }
    page_rows_ = std::min(std::max(page_rows_ * kPageGrowth, kFirstPageRows), kMaxBatchRows);
    CAIRN_ASSIGN_OR_RETURN(page_,
                           table_->Scan(partition_, begin_, ranges_[range_].end, page_rows_));
    next_ = 0;
    if (!page_.rows.empty()) begin_ = page_.rows.back().key + '\0';
  }
  return &page_.rows[next_++];
}

}  // namespace cairn::storage
