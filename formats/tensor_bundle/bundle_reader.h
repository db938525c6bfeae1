// Reads a TensorFlow checkpoint (TensorBundle, "V2"): `<prefix>.index` and its
// `<prefix>.data-?????-of-?????` files.
//
//   CAIRN_ASSIGN_OR_RETURN(auto reader, BundleReader::Open(FileSystem::System(), "runs/ckpt-7"));
//   const BundleTensor& tensor = reader->tensors()[0];
//   CAIRN_RETURN_IF_ERROR(reader->ReadAt(tensor, tensor.slices[0], 0, buffer));
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "formats/tensor_bundle/bundle_index.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {

// Thread-safe. Memory: the tensors' descriptions, never their bytes.
class BundleReader {
 public:
  // Reads and checks the whole index, and that every byte range lies inside its data file. A
  // folder's own bundle has a prefix that ends in "/". Data files whose names count others than the
  // header does are found all the same, if all that are needed are there under one count.
  // `file_system` must outlive the reader.
  // Errors: kNotFound (the index or a data file is missing, naming it), kDataLoss (damaged), those
  // of ReadBundleIndex; all but kNotFound with ERROR_REASON_BAD_FILE.
  static absl::StatusOr<std::unique_ptr<BundleReader>> Open(FileSystem* file_system,
                                                            const std::string& prefix);

  const std::string& prefix() const { return prefix_; }
  int32_t num_shards() const { return num_shards_; }  // as the data files' names count them
  // In byte order of TensorFlow's keys.
  absl::Span<const BundleTensor> tensors() const { return index_.tensors; }
  // The tensor of that key (text form); nullptr if there is none.
  const BundleTensor* Find(absl::string_view key) const;

  // In what follows `slice` is one of the slices of `tensor`, which is one of tensors().

  // Fills `out` with the bytes at `offset` of `slice` as Cairn keeps them: numbers little-endian.
  // Checks no checksum: the caller sums what it reads and compares with SumOf. Requires: not
  // kString. Errors: kOutOfRange (beyond the slice), kDataLoss (I/O, or a data file cut since
  // Open).
  absl::Status ReadAt(const BundleTensor& tensor, const BundleSlice& slice, int64_t offset,
                      absl::Span<char> out) const;

  // The crc32c of all that ReadAt gives: the entry's, unless the file has the bytes in another
  // order. Then reads the slice once, verifies the entry's and sums what it has become.
  // Requires: kPlain. Errors: as ReadWhole.
  absl::StatusOr<uint32_t> SumOf(const BundleTensor& tensor, const BundleSlice& slice) const;

  // All bytes of `slice` as Cairn keeps them, its checksum verified: strings in our layout, numbers
  // little-endian, everything else as in the file. kUnknown: unverified, since its rule is not
  // known. Errors: kDataLoss naming prefix, shard, key and slice.
  absl::StatusOr<std::string> ReadWhole(const BundleTensor& tensor, const BundleSlice& slice) const;
  // Of a tensor that was saved whole. Requires: it was.
  absl::StatusOr<std::string> ReadWhole(const BundleTensor& tensor) const;

 private:
  BundleReader(FileSystem* file_system, const std::string& prefix);

  absl::Status ReadIndex();
  void CountShards();
  absl::Status CheckRanges();
  // What makes a number whose bytes are to be reversed; 1 if they stay as they are.
  int ReversedBytes(const BundleTensor& tensor) const;
  absl::Status ReadBytes(const BundleTensor& tensor, const BundleSlice& slice, int64_t offset,
                         absl::Span<char> out) const;
  // kDataLoss unless `crc32c`, the sum of the slice's bytes as in the file, is the entry's.
  absl::Status CheckCrc32c(const BundleTensor& tensor, const BundleSlice& slice,
                           uint32_t crc32c) const;
  absl::Status Damaged(const BundleTensor& tensor, const BundleSlice& slice,
                       absl::string_view what) const;

  FileSystem* const file_system_;
  const std::string prefix_;
  int32_t num_shards_ = 0;
  BundleIndex index_;
  std::unique_ptr<ShardFiles> shards_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_READER_H_
