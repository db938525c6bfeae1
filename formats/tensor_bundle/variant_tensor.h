// Variant tensors (iterators, lists of tensors), whose bytes we keep as TensorFlow wrote them: for
// each element a varint length, a serialized message and a fixed32 masked crc32c of all so far.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_VARIANT_TENSOR_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_VARIANT_TENSOR_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn {

// The checksum (unmasked) that the entry of a variant tensor of `count` elements carries, with
// every checksum inside verified. It is not the crc32c of `file_bytes`: TensorFlow sums lengths as
// uint64. Errors: kDataLoss (not `count` elements, a checksum inside).
absl::StatusOr<uint32_t> VariantTensorCrc32c(absl::string_view file_bytes, int64_t count);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_VARIANT_TENSOR_H_
