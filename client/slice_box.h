// Boxes as the API's messages have them.
#ifndef CAIRN_CLIENT_SLICE_BOX_H_
#define CAIRN_CLIENT_SLICE_BOX_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "cairn/v1/types.pb.h"

namespace cairn {

// `box`, every length set but those of `open` dimensions.
v1::Slice SliceFromBox(const Box& box, OpenDimensions open = 0);

// The open dimensions of a stored slice. Errors: kInvalidArgument (one that is none).
absl::StatusOr<OpenDimensions> OpenDimensionsOf(const v1::StoredSlice& slice);

// The box that `slice` means in a tensor of `shape`. Errors: kInvalidArgument (a shape that Cairn
// does not take, a slice that does not lie in it).
absl::StatusOr<Box> BoxOfSlice(const v1::Slice& slice, absl::Span<const int64_t> shape);

// The box of a part that a server sent. Errors: kInvalidArgument (does not lie in the part's
// shape).
absl::StatusOr<Box> BoxOfPart(const v1::SlicePart& part);

}  // namespace cairn

#endif  // CAIRN_CLIENT_SLICE_BOX_H_
