// What the size of a tensor in a data file may be, for readers and writers alike.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_TENSOR_SIZE_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_TENSOR_SIZE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "formats/tensor_bundle/dtype_map.h"

namespace cairn {

// OK if a tensor of `dtype` and `shape` can take `size_bytes` in a data file: exactly its elements
// where they have a fixed width; where not, no less than the encoding takes for so many empty
// elements. Errors: kInvalidArgument (it cannot; the shape is none that Cairn takes, see
// ElementCount).
absl::Status CheckTensorSize(const BundleDtype& dtype, absl::Span<const int64_t> shape,
                             int64_t size_bytes);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_TENSOR_SIZE_H_
