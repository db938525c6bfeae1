// Writes a TensorFlow checkpoint: `<prefix>.index` and one data file, the same bytes for the same
// tensors whatever the order in which they come.
//
//   CAIRN_ASSIGN_OR_RETURN(auto writer, BundleWriter::Create(file_system, "out/ckpt-7", tensors,
//   {})); writer->WriteAt(0, 0, bytes);    // any thread, any order writer->SetCrc32c(0,
//   Crc32c(bytes)); CAIRN_RETURN_IF_ERROR(writer->Finish());
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"

namespace cairn {

// A tensor to be written.
struct PlannedTensor {
  std::string key;    // text form
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  // Bytes in the data file. Fixed width: elements x item size; strings: EncodeStringTensor's.
  int64_t size_bytes;
};

// WriteAt and SetCrc32c are thread-safe; Finish is called alone. Memory: the plan.
class BundleWriter {
 public:
  struct Options {
    // Replaces a checkpoint that is there. Its index goes first, so that a crash in between leaves
    // no checkpoint rather than a mixed one.
    bool force = false;
  };

  // Lays the tensors out densely in byte order of their raw keys and makes a temporary data file
  // beside the final one (and the folder it is in). The files take their names in Finish(); what is
  // unfinished then, or when the writer goes, is removed. `file_system` must outlive the writer.
  // Errors: kAlreadyExists with ERROR_REASON_BAD_FILE (`<prefix>.index` or a data file is there);
  // kInvalidArgument with ERROR_REASON_INVALID_FIELD (a key twice, empty or not in text form; a
  // dtype that TensorFlow lacks; a size that dtype and shape do not give); those of FileSystem.
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(FileSystem* file_system,
                                                              const std::string& prefix,
                                                              std::vector<PlannedTensor> tensors,
                                                              const Options& options);
  ~BundleWriter();

  // Of the data file.
  int64_t size_bytes() const { return size_bytes_; }

  // Writes `bytes` at `offset` of the tensor that was planned as number `tensor` (from 0).
  // Errors: kOutOfRange (beyond the tensor), those of RandomWriteFile.
  absl::Status WriteAt(size_t tensor, int64_t offset, absl::string_view bytes);

  // The checksum for the tensor's entry, unmasked: crc32c of all its bytes; for strings
  // EncodedStrings::crc32c, for `tf:21` VariantTensorCrc32c.
  void SetCrc32c(size_t tensor, uint32_t crc32c);

  // Makes the files durable under their names, data before index. Call once.
  // Errors: kFailedPrecondition (a tensor lacks bytes or its checksum, naming it), those of
  // FileSystem.
  absl::Status Finish();

 private:
  // Where a tensor is and how far it came.
  struct Slot {
    std::string raw_key;
    int64_t offset = 0;
    std::atomic<int64_t> written_bytes{0};
    std::atomic<bool> has_crc32c{false};
    std::atomic<uint32_t> crc32c{0};
  };

  BundleWriter(FileSystem* file_system, const std::string& prefix,
               std::vector<PlannedTensor> tensors, const Options& options);

  absl::Status Plan();
  absl::Status CheckComplete() const;
  absl::Status WriteIndex();
  absl::Status Publish();
  absl::StatusOr<std::vector<std::string>> ExistingFiles() const;

  FileSystem* const file_system_;
  const std::string prefix_;
  const std::string temporary_data_;  // paths
  const std::string temporary_index_;
  const Options options_;
  const std::vector<PlannedTensor> tensors_;
  std::vector<Slot> slots_;       // parallel to tensors_
  std::vector<size_t> in_order_;  // of raw keys
  int64_t size_bytes_ = 0;
  std::unique_ptr<RandomWriteFile> data_;
  std::vector<std::string> unfinished_;  // what the destructor removes
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_WRITER_H_
