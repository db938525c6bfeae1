// The two orders of a number's bytes in a data file.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BYTE_ORDER_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BYTE_ORDER_H_

#include <algorithm>
#include <cstddef>

#include "absl/types/span.h"

namespace cairn {

enum class ByteOrder { kLittle, kBig };

// Turns each run of `width` bytes around. Requires: `bytes` is whole runs.
inline void ReverseEach(int width, absl::Span<char> bytes) {
  const auto step = static_cast<size_t>(width);
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::reverse(bytes.begin() + at, bytes.begin() + at + step);
  }
}

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BYTE_ORDER_H_
