// The tables that a V1 checkpoint consists of. A value holds a whole slice, up to 2 GB, so that
// values are located first and read in pieces.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_VALUE_TABLES_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_VALUE_TABLES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/open_files.h"
#include "formats/tensor_bundle/table_block.h"

namespace cairn {

// Where a value is.
struct TableValue {
  int32_t table = 0;
  bool compressed = false;
  BlockHandle block;   // that it is in
  int64_t offset = 0;  // in the file; of a compressed block: in what it unpacks to
  int64_t size = 0;
};

// Thread-safe. Memory: a window (read_window.h); the last block, up to kMaxBlockBytes
// (table_block.h), where blocks are compressed, which no writer of TensorFlow's does.
class ValueTables {
 public:
  // `file_system` must outlive this.
  ValueTables(FileSystem* file_system, std::vector<std::string> paths);

  int32_t count() const { return static_cast<int32_t>(paths_.size()); }
  const std::string& path(int32_t table) const { return paths_[static_cast<size_t>(table)]; }

  // Calls `visit` for every entry of a table in ascending byte order of keys, no key twice, each
  // block's checksum verified before its entries are seen. Ends at the first error of `visit` and
  // returns it. Errors: kDataLoss with ERROR_REASON_BAD_FILE (not a table, or damaged), those of
  // FileSystem.
  absl::Status Visit(
      int32_t table,
      absl::FunctionRef<absl::Status(absl::string_view key, const TableValue& value)> visit) const;

  // Fills `out` from `offset` of a value; what Visit verified is not verified again. Requires: it
  // lies in the value. Errors: kDataLoss with ERROR_REASON_BAD_FILE (I/O, or the file was cut),
  // those of FileSystem.
  absl::Status Read(const TableValue& value, int64_t offset, absl::Span<char> out) const;

 private:
  struct Unpacked {
    int32_t table;
    uint64_t offset;
    std::string bytes;
  };

  absl::StatusOr<std::shared_ptr<const Unpacked>> Unpack(int32_t table,
                                                         const BlockHandle& block) const;

  const std::vector<std::string> paths_;
  mutable OpenFiles files_;
  mutable Mutex mutex_;
  mutable std::shared_ptr<const Unpacked> last_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_VALUE_TABLES_H_
