// What the index of a TensorBundle says: its tensors and where the bytes of their slices are. The
// data files are not looked at.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_INDEX_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/box.h"
#include "base/file_system.h"
#include "formats/tensor_bundle/byte_order.h"
#include "formats/tensor_bundle/dtype_map.h"

namespace cairn {

// Bytes that were saved together. In an entry of the index they are what stands under one key.
struct BundleSlice {
  Box box;             // of the tensor
  int32_t shard;       // number of the data file
  int64_t offset;      // in the data file, bytes
  int64_t size_bytes;  // in the data file; kPlain: of the elements
  // The entry's checksum, unmasked. kPlain: crc32c of the bytes as they are in the file.
  uint32_t crc32c;
  // Dimensions of the box that the file gives as whole ("-"), without their number.
  OpenDimensions open_dimensions = 0;
};

struct BundleTensor {
  std::string key;    // text form; BytesFromKeyText gives TensorFlow's bytes
  std::string dtype;  // ours
  std::vector<int64_t> shape;
  BundleEncoding encoding;
  bool partial;  // some of its elements are in no slice
  // As saved, in order of their boxes, never overlapping; at least one. A tensor that was saved
  // whole has one, which is the whole.
  std::vector<BundleSlice> slices;
};

struct BundleIndex {
  int32_t num_shards = 0;  // as the header counts the data files
  ByteOrder byte_order = ByteOrder::kLittle;
  std::vector<BundleTensor> tensors;  // in byte order of TensorFlow's keys
};

// Reads and checks the whole index. A slice is found by the key that its tensor's entry leads to;
// how a key looks means nothing. Memory: the result (some 400 bytes and the key for each tensor and
// slice) and as much again, bounded. Errors, with ERROR_REASON_BAD_FILE: kDataLoss (damaged: an
// entry that contradicts itself or another, the key and the boxes named), kInvalidArgument (no
// bundle's index, or written for later readers; a key, rank or index larger than Cairn takes; in a
// big-endian file a tensor whose bytes cannot be reversed).
absl::StatusOr<BundleIndex> ReadBundleIndex(const RandomReadFile& file);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_INDEX_H_
