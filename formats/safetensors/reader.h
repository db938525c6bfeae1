// Reads a checkpoint in safetensors: one file, or several that an index names.
//
//   CAIRN_ASSIGN_OR_RETURN(auto reader,
//                          SafetensorsReader::Open(FileSystem::System(), "model.safetensors"));
//   for (const SafetensorsTensor& tensor : reader->tensors()) {
//     CAIRN_RETURN_IF_ERROR(reader->ReadAt(tensor, 0, buffer));
//   }
#ifndef CAIRN_FORMATS_SAFETENSORS_READER_H_
#define CAIRN_FORMATS_SAFETENSORS_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "base/open_files.h"
#include "formats/safetensors/header.h"

namespace cairn {

// A tensor and where its bytes are.
struct SafetensorsTensor {
  std::string key;    // text form of its name
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  size_t file;     // index
  int64_t offset;  // in the file, bytes
  int64_t size_bytes;
};

struct SafetensorsFile {
  std::string path;
  std::optional<SafetensorsMetadata> metadata;
};

// Thread-safe. Memory: the descriptions (some 200 bytes and the key each), never the bytes.
class SafetensorsReader {
 public:
  // Reads and checks every header. `path`: a file or, if IsSafetensorsIndex, an index; the files
  // that it names are looked for beside it. `file_system` must outlive the reader.
  // Errors: kNotFound (a file is missing, naming it); kInvalidArgument (not of the format, or a
  // name, rank or header larger than Cairn takes; an index and its files that do not name the same
  // tensors, or a tensor in two files); these with ERROR_REASON_BAD_FILE, naming file and tensor.
  // Those of FileSystem.
  static absl::StatusOr<std::unique_ptr<SafetensorsReader>> Open(FileSystem* file_system,
                                                                 const std::string& path);

  const std::string& path() const { return path_; }
  // By key.
  absl::Span<const SafetensorsTensor> tensors() const { return tensors_; }
  // By path.
  absl::Span<const SafetensorsFile> files() const { return files_; }
  // The index as it is; nullopt if there is none.
  const std::optional<std::string>& index() const { return index_; }

  // Fills `out` with the bytes at `offset` of `tensor`. Requires: `tensor` is one of tensors().
  // Errors: kOutOfRange (beyond the tensor), kDataLoss (I/O, or a file cut since Open).
  absl::Status ReadAt(const SafetensorsTensor& tensor, int64_t offset, absl::Span<char> out) const;

 private:
  SafetensorsReader(FileSystem* file_system, const std::string& path);

  absl::Status ReadIndexed();
  absl::Status ReadFile(const std::string& path);
  absl::Status AddTensors(const SafetensorsHeader& header, int64_t data_offset);

  const std::string path_;
  FileSystem* const file_system_;
  mutable OpenFiles open_files_;
  std::optional<std::string> index_;
  std::vector<SafetensorsFile> files_;
  std::vector<SafetensorsTensor> tensors_;
  int64_t memory_bytes_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_READER_H_
