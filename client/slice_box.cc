#include "client/slice_box.h"

#include <vector>

#include "base/error.h"

namespace cairn {

v1::Slice SliceFromBox(const Box& box) {
  v1::Slice slice;
  for (int d = 0; d < box.rank(); ++d) {
    v1::Extent* extent = slice.add_extents();
    extent->set_start(box.start[d]);
    extent->set_length(box.length[d]);
  }
  return slice;
}

absl::StatusOr<Box> BoxOfSlice(const v1::Slice& slice, absl::Span<const int64_t> shape) {
  std::vector<ExtentSpec> extents;
  for (const v1::Extent& extent : slice.extents()) {
    ExtentSpec& spec = extents.emplace_back();
    spec.start = extent.start();
    if (extent.has_length()) spec.length = extent.length();
  }
  CAIRN_RETURN_IF_ERROR(ElementCount(shape).status());
  return ResolveBox(extents, shape);
}

absl::StatusOr<Box> BoxOfPart(const v1::SlicePart& part) {
  return BoxOfSlice(part.slice(), part.shape());
}

}  // namespace cairn
