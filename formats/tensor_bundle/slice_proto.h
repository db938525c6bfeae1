// What TensorFlow's messages say of slices and versions, in bundles and in V1 files alike.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_PROTO_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_PROTO_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "formats/tensor_bundle/bundle.pb.h"

namespace cairn {

// No length, or -1, is a whole dimension.
std::vector<ExtentSpec> ExtentsFromProto(const formats::TensorSlice& slice);

// The box of a slice. Errors: kInvalidArgument (it is none that TensorFlow would write: outside of
// the shape, of another rank, without elements, a whole dimension that does not begin at 0).
absl::StatusOr<Box> SliceBox(absl::Span<const ExtentSpec> extents, absl::Span<const int64_t> shape);

// Whether what `version` wrote may be read here: version 1, and there has been no other.
// Errors: kInvalidArgument with ERROR_REASON_BAD_FILE.
absl::Status CheckFormatVersion(const formats::VersionDef& version);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_PROTO_H_
