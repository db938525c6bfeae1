// Writes a safetensors file: the same bytes for the same tensors whatever the order in which they
// come, and those that the reference implementation writes.
//
//   CAIRN_ASSIGN_OR_RETURN(auto writer, SafetensorsWriter::Create(file_system, "x.safetensors",
//                                                                 tensors, metadata, false));
//   writer->WriteAt(0, 0, bytes);    // any thread, any order
//   CAIRN_RETURN_IF_ERROR(writer->Finish());
#ifndef CAIRN_FORMATS_SAFETENSORS_WRITER_H_
#define CAIRN_FORMATS_SAFETENSORS_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/file_system.h"
#include "formats/safetensors/header.h"

namespace cairn {

// WriteAt is thread-safe; Finish is called alone. Memory: the plan.
class SafetensorsWriter {
 public:
  struct Tensor {
    std::string key;    // text form of its name
    std::string dtype;  // ours
    std::vector<int64_t> shape;
    int64_t size_bytes;
  };

  // Lays the tensors out by falling width of their elements, those of one dtype by name, and writes
  // the header into a temporary file beside the final one. The file takes its name in Finish();
  // what is unfinished then, or when the writer goes, is removed. `file_system` must outlive the
  // writer. `replace`: takes the place of a file that is there. Errors: kAlreadyExists with
  // ERROR_REASON_BAD_FILE (`path` is there); kInvalidArgument with ERROR_REASON_INVALID_FIELD (a
  // key twice, or one that WhyNotInSafetensors names; a size that dtype and shape do not give; more
  // tensors than a header holds; metadata that is not UTF-8); those of FileSystem.
  static absl::StatusOr<std::unique_ptr<SafetensorsWriter>> Create(
      FileSystem* file_system, const std::string& path, std::vector<Tensor> tensors,
      std::optional<SafetensorsMetadata> metadata, bool replace);

  // Writes `bytes` at `offset` of the tensor that was planned as number `tensor` (from 0).
  // Errors: kOutOfRange (beyond the tensor), those of RandomWriteFile.
  absl::Status WriteAt(size_t tensor, int64_t offset, absl::string_view bytes);

  // Makes the file durable under its name. Call once.
  // Errors: kDataLoss (a tensor lacks bytes, naming it), those of AtomicFile.
  absl::Status Finish();

 private:
  // Where a tensor is and how far it came.
  struct Slot {
    int64_t offset = 0;
    std::atomic<int64_t> written_bytes{0};
  };

  explicit SafetensorsWriter(std::vector<Tensor> tensors);
  // The header; sets the slots' offsets.
  absl::StatusOr<std::string> Plan(std::optional<SafetensorsMetadata> metadata);

  const std::vector<Tensor> tensors_;
  std::vector<Slot> slots_;  // parallel to tensors_
  std::unique_ptr<AtomicFile> file_;
};

// Why no safetensors file can hold a tensor of this key and dtype, to be said after its key: "its
// name is not UTF-8". nullopt if one can.
std::optional<std::string> WhyNotInSafetensors(absl::string_view key, absl::string_view dtype);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_WRITER_H_
