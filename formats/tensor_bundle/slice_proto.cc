#include "formats/tensor_bundle/slice_proto.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

constexpr int32_t kVersion = 1;

}  // namespace

std::vector<ExtentSpec> ExtentsFromProto(const formats::TensorSlice& slice) {
  std::vector<ExtentSpec> extents;
  extents.reserve(slice.extent_size());
  for (const auto& extent : slice.extent()) {
    ExtentSpec& spec = extents.emplace_back();
    spec.start = extent.start();
    if (extent.has_length_case() == formats::TensorSlice::Extent::kLength &&
        extent.length() != -1) {
      spec.length = extent.length();
    }
  }
  return extents;
}

absl::StatusOr<Box> SliceBox(absl::Span<const ExtentSpec> extents,
                             absl::Span<const int64_t> shape) {
  if (extents.size() != shape.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has ", extents.size(), " dimensions, not ", shape.size()));
  }
  for (const ExtentSpec& extent : extents) {
    if (!extent.length.has_value() && extent.start != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("it takes a whole dimension from ", extent.start, " on"));
    }
    if (extent.length == 0) return absl::InvalidArgumentError("it is empty");
  }
  return ResolveBox(extents, shape);
}

absl::Status CheckFormatVersion(const formats::VersionDef& version) {
  const bool is_bad =
      std::count(version.bad_consumers().begin(), version.bad_consumers().end(), kVersion) > 0;
  if (version.producer() >= 0 && version.min_consumer() <= kVersion && !is_bad) {
    return absl::OkStatus();
  }
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot read this checkpoint: it was written by version ",
                                version.producer(), " of the format, for readers from version ",
                                version.min_consumer(), " on; this one is version ", kVersion));
}

}  // namespace cairn
