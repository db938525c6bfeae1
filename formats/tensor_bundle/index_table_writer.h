// Writes a bundle's index through LevelDB's TableBuilder, with the settings that give TensorFlow's
// bytes.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_WRITER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_WRITER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace leveldb {
class TableBuilder;
}  // namespace leveldb

namespace cairn {

class IndexTableWriter {
 public:
  // Writes to `file`, which must outlive this and which the caller finishes.
  explicit IndexTableWriter(RandomWriteFile* file);
  ~IndexTableWriter();

  // Requires: keys ascend strictly in byte order.
  void Add(absl::string_view key, absl::string_view value);

  // Writes what is left. Call once. Errors: those of RandomWriteFile.
  absl::Status Finish();

 private:
  class Sink;

  const std::unique_ptr<Sink> sink_;
  const std::unique_ptr<leveldb::TableBuilder> builder_;
  bool finished_ = false;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_INDEX_TABLE_WRITER_H_
