// Reads rows of a manifest in order, page by page, so that no engine holds a snapshot for longer.
#ifndef CAIRN_STORAGE_ROW_SCANNER_H_
#define CAIRN_STORAGE_ROW_SCANNER_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/slice_keys.h"

namespace cairn::storage {

// Gives ranges one after the other, for there may be very many; nullopt after the last. They ascend
// and do not overlap; an empty end means to the end row.
using RangeSource = std::function<std::optional<KeyRange>()>;

// One thread at a time.
class RowScanner {
 public:
  // The rows of the ranges. `table` is not owned and outlives this.
  RowScanner(Table* table, const Uid& manifest, RangeSource ranges);
  // Of these alone.
  RowScanner(Table* table, const Uid& manifest, std::vector<KeyRange> ranges);

  // The next row, valid until the next call; nullptr when there is none. Errors: as Table::Scan.
  absl::StatusOr<const Row*> Next();

 private:
  Table* const table_;
  const Partition partition_;
  RangeSource ranges_;
  std::optional<KeyRange> range_;  // what is not read yet of that of page_; nullopt at the end
  Page page_;
  size_t next_ = 0;  // in page_
  int page_rows_ = 0;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ROW_SCANNER_H_
