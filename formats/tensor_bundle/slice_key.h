// The keys under which an index holds the slices of a partitioned tensor, and a V1 file every
// tensor: TensorFlow's EncodeTensorNameSlice in ordered code. Any bytes may be a tensor's own key
// too, so that a key alone does not say whether it is a slice's: the umbrella's slices do.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_KEY_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_KEY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"

namespace cairn {

struct SliceKey {
  std::string raw_name;  // TensorFlow's bytes
  std::vector<ExtentSpec> extents;
};

// An extent without a length is a full dimension, and another key than the numbers which mean the
// same.
std::string EncodeSliceKey(absl::string_view raw_name, absl::Span<const ExtentSpec> extents);

// nullopt unless `raw_key` is what EncodeSliceKey makes of some name and extents of no negative
// number. Whether they fit a shape is the caller's to check.
std::optional<SliceKey> DecodeSliceKey(absl::string_view raw_key);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_SLICE_KEY_H_
