#include "client/slice_box.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {

v1::Slice SliceFromBox(const Box& box, OpenDimensions open) {
  v1::Slice slice;
  for (const ExtentSpec& spec : ExtentsOfBox(box, open)) {
    v1::Extent* extent = slice.add_extents();
    extent->set_start(spec.start);
    if (spec.length.has_value()) extent->set_length(*spec.length);
  }
  return slice;
}

absl::StatusOr<OpenDimensions> OpenDimensionsOf(const v1::StoredSlice& slice) {
  OpenDimensions open = 0;
  for (const int32_t d : slice.open_dimensions()) {
    if (d < 0 || d >= slice.slice().extents_size()) {
      return InvalidField("open_dimensions", absl::StrCat("name ", d, " of a slice of ",
                                                          slice.slice().extents_size()));
    }
    open |= OpenDimensions{1} << d;
  }
  return open;
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
