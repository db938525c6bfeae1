// Reads a TensorFlow checkpoint (TensorBundle, "V2"): `<prefix>.index` and its
// `<prefix>.data-?????-of-?????` files.
//
//   CAIRN_ASSIGN_OR_RETURN(auto reader, BundleReader::Open(FileSystem::System(), "runs/ckpt-7"));
//   for (const BundleTensor& tensor : reader->tensors()) {
//     CAIRN_RETURN_IF_ERROR(reader->ReadAt(tensor, 0, buffer));
//   }
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {

// A tensor of a bundle and where its bytes are.
struct BundleTensor {
  std::string key;    // text form; BytesFromKeyText gives TensorFlow's bytes
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  BundleEncoding encoding;
  int32_t shard;       // number of the data file
  int64_t offset;      // in the data file, bytes
  int64_t size_bytes;  // in the data file; kPlain: of the tensor
  // The entry's checksum, unmasked. kPlain: crc32c of the tensor's bytes.
  uint32_t crc32c;
};

// Thread-safe. Memory: the tensors' descriptions (some 200 bytes and the key each), never their
// bytes.
class BundleReader {
 public:
  // Reads and checks the whole index, and that every byte range lies inside its data file. A
  // folder's own bundle has a prefix that ends in "/". `file_system` must outlive the reader.
  // Errors: kNotFound (the index or a data file is missing, naming it), kDataLoss (damaged),
  // kInvalidArgument (written for later readers; a key, rank or index larger than Cairn takes);
  // these with ERROR_REASON_BAD_FILE. kUnimplemented with ERROR_REASON_NOT_YET (big-endian,
  // partitioned tensors).
  static absl::StatusOr<std::unique_ptr<BundleReader>> Open(FileSystem* file_system,
                                                            const std::string& prefix);

  const std::string& prefix() const { return prefix_; }
  int32_t num_shards() const { return num_shards_; }
  // In byte order of TensorFlow's keys.
  absl::Span<const BundleTensor> tensors() const { return tensors_; }
  // The tensor of that key (text form); nullptr if there is none.
  const BundleTensor* Find(absl::string_view key) const;

  // Fills `out` with the bytes at `offset` of `tensor`. Checks no checksum: the caller sums what it
  // reads and compares with `tensor.crc32c`. Requires: `tensor` is one of tensors() and not
  // kString. Errors: kOutOfRange (beyond the tensor), kDataLoss (I/O, or a data file cut since
  // Open).
  absl::Status ReadAt(const BundleTensor& tensor, int64_t offset, absl::Span<char> out) const;

  // All bytes of `tensor` as Cairn keeps them, its checksum verified: strings in our layout,
  // everything else as in the file. kUnknown: unverified, since its rule is not known. Errors:
  // kDataLoss naming prefix, shard and key.
  absl::StatusOr<std::string> ReadWhole(const BundleTensor& tensor) const;

  // kDataLoss for `tensor` unless `crc32c`, the sum of all its bytes as read, is the entry's; for
  // callers of ReadAt. Requires: kPlain.
  absl::Status CheckCrc32c(const BundleTensor& tensor, uint32_t crc32c) const;

 private:
  BundleReader(FileSystem* file_system, const std::string& prefix);

  absl::Status ReadIndex();
  absl::Status AddHeader(absl::string_view value);
  absl::Status AddTensor(absl::string_view raw_key, absl::string_view value);
  absl::Status CheckRanges();
  absl::Status ReadBytes(const BundleTensor& tensor, int64_t offset, absl::Span<char> out) const;
  absl::Status Damaged(const BundleTensor& tensor, absl::string_view what) const;

  FileSystem* const file_system_;
  const std::string prefix_;
  int32_t num_shards_ = 0;
  int64_t memory_bytes_ = 0;
  std::vector<BundleTensor> tensors_;
  std::unique_ptr<ShardFiles> shards_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_
