// The first elements of a tensor, made readable.
#ifndef CAIRN_SERVER_PREVIEW_H_
#define CAIRN_SERVER_PREVIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "base/dtype.h"
#include "server/slice_collect.h"

namespace cairn::server {

inline constexpr int kDefaultPreviewValues = 16;
inline constexpr int kMaxPreviewValues = 1024;
inline constexpr size_t kMaxPreviewTextBytes = 256;
// What is read for one preview; strings beyond it are empty.
inline constexpr int64_t kMaxPreviewBytes = 16 << 20;

// The smallest box, at the beginning of `box`, in which the first `count` elements of both are the
// same, in row-major order; it has less than twice as many. Requires: count >= 1.
Box FirstElementsBox(const Box& box, int64_t count);

struct Preview {
  std::vector<double> values;      // empty for strings, bytes and opaque dtypes
  std::vector<std::string> texts;  // empty for opaque dtypes
};

// The first `count` elements of `box`, or all if it has fewer, from slices that lie in it. An
// element that no slice holds (a partial tensor's) is NaN and the empty text. Requires: `slices`
// lie in `box`, as CollectSlices reads them.
Preview PreviewOf(absl::string_view dtype, const Dtype& info, const Box& box, int64_t count,
                  absl::Span<const SliceBytes> slices);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PREVIEW_H_
