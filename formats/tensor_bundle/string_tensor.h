// String tensors: TensorFlow's bytes in a data file and ours, back and forth.
//
//   TensorFlow's: N varint lengths | fixed32 masked crc32c of the lengths | the N byte strings
//   ours:         N uint64 little-endian lengths | the N byte strings
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_STRING_TENSOR_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_STRING_TENSOR_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/tensor_bundle/byte_order.h"

namespace cairn {

// Bytes as a data file holds them and the checksum that their entry carries. It is not the crc32c
// of `bytes`: TensorFlow sums the lengths as integers of fixed width.
struct EncodedStrings {
  std::string bytes;
  uint32_t crc32c;  // unmasked
};

// Our bytes of `count` strings from TensorFlow's, both checksums verified; `crc32c` is the entry's,
// unmasked. A writer sums the lengths and stores their checksum in its own byte order.
// Errors: kDataLoss (lengths that do not add up, a checksum).
absl::StatusOr<std::string> DecodeStringTensor(absl::string_view file_bytes, int64_t count,
                                               uint32_t crc32c,
                                               ByteOrder byte_order = ByteOrder::kLittle);

// TensorFlow's bytes from our bytes of `count` strings.
// Errors: kInvalidArgument (`bytes` does not hold `count` strings).
absl::StatusOr<EncodedStrings> EncodeStringTensor(absl::string_view bytes, int64_t count);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_STRING_TENSOR_H_
