// Boxes as the API's messages have them.
#ifndef CAIRN_CLIENT_SLICE_BOX_H_
#define CAIRN_CLIENT_SLICE_BOX_H_

#include "absl/status/statusor.h"
#include "base/box.h"
#include "cairn/v1/types.pb.h"

namespace cairn {

// `box` with every length set.
v1::Slice SliceFromBox(const Box& box);

// The box of a part that a server sent. Errors: kInvalidArgument (does not lie in the part's
// shape).
absl::StatusOr<Box> BoxOfPart(const v1::SlicePart& part);

}  // namespace cairn

#endif  // CAIRN_CLIENT_SLICE_BOX_H_
