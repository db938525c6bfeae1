// Reads a TensorFlow checkpoint of the format before bundles ("V1"): one table file, or several
// shards of them, whose first entry says which tensors and slices the file has and whose other
// entries hold a slice each.
//
//   CAIRN_ASSIGN_OR_RETURN(auto reader, V1Reader::Open(FileSystem::System(),
//   {"old/model.ckpt-5"})); for (const V1Tensor& tensor : reader->tensors()) {
//     for (const V1Slice& slice : tensor.slices) {
//       CAIRN_RETURN_IF_ERROR(reader->ReadAt(slice, 0, buffer));
//     }
//   }
//
// How values are held, and what TensorFlow takes for values, says tensor_values.h. The format has
// no checksum of a tensor: those of the blocks are verified, and a sum of each slice's bytes is
// made then, with which what is read later can be compared.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_V1_READER_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_V1_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "base/file_system.h"
#include "formats/checkpoint_v1/tensor_values.h"
#include "formats/checkpoint_v1/value_tables.h"

namespace cairn {

// Values that were saved together.
struct V1Slice {
  Box box;              // of the tensor
  TensorValues values;  // their bytes in our layout
  // As BundleSlice::open_dimensions.
  OpenDimensions open_dimensions = 0;
};

struct V1Tensor {
  std::string key;    // text form; BytesFromKeyText gives TensorFlow's bytes
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  bool partial;  // some of its elements are in no slice
  // As saved, in order of their boxes, never overlapping; at least one. A tensor that was saved
  // whole has one, which is the whole.
  std::vector<V1Slice> slices;
};

// Thread-safe. Memory: the tensors' descriptions (some 300 bytes and the key for each, and for each
// slice), bounded, and a window of the file; never a whole slice.
class V1Reader {
 public:
  // `files` are the shards of one checkpoint, all of them (formats/tensor_bundle/bundle_path.h).
  // Reads them whole, once, and checks that what each says of its tensors is what it holds, and
  // that the shards agree. `file_system` must outlive the reader. Errors: kNotFound, kDataLoss
  // (damaged: what contradicts itself, naming tensor and slice), kInvalidArgument (written for
  // later readers; a dtype that V1 files cannot hold; a key, rank or number of tensors larger than
  // Cairn takes); these with ERROR_REASON_BAD_FILE, naming the file.
  static absl::StatusOr<std::unique_ptr<V1Reader>> Open(FileSystem* file_system,
                                                        std::vector<std::string> files);

  // In byte order of TensorFlow's names.
  absl::Span<const V1Tensor> tensors() const { return tensors_; }

  // Fills `out` from `offset` of a slice's bytes in our layout. Verifies nothing: the caller sums
  // what it reads and compares with `slice.values.crc32c()`. Requires: a slice of tensors().
  // Errors: kOutOfRange (beyond the slice), kDataLoss (I/O, or a file that has changed since Open).
  absl::Status ReadAt(const V1Slice& slice, int64_t offset, absl::Span<char> out) const;

 private:
  V1Reader(FileSystem* file_system, std::vector<std::string> files);

  ValueTables tables_;
  std::vector<V1Tensor> tensors_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_V1_READER_H_
