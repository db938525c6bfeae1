// Whether the slices of each tensor cover it, each element once. Tilings need not be grids.
#ifndef CAIRN_STORAGE_COVERAGE_H_
#define CAIRN_STORAGE_COVERAGE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/manifest.h"

namespace cairn::storage {

// What keeps boxes from tiling a shape.
struct TilingFaults {
  // Indices of two boxes that share elements.
  std::optional<std::pair<size_t, size_t>> overlap;
  // Elements that no box holds: the first such box in the order of the search, cut along the edges
  // of the boxes. Looked for only while no overlap is found.
  std::optional<Box> hole;
};

// Looks for an overlap and a hole. Boxes without elements count for nothing. Pure.
// O(n log n) per dimension for grids and other tilings that straight cuts separate.
// Requires: `shape` passed ElementCount, every box lies in it.
TilingFaults FindTilingFaults(absl::Span<const int64_t> shape, absl::Span<const Box> boxes);

// Reads a manifest once, with the memory of one tensor, and checks every tensor in it; the summary
// is what WriteManifestEnd takes. Errors: kFailedPrecondition with reason SLICES_DISAGREE (dtype,
// shape or partial), SLICES_OVERLAP or SLICES_MISSING (a hole, unless the tensor's slices say
// `partial`; or a part of a slice), naming key, boxes and writers; kDataLoss (a row is damaged).
absl::StatusOr<ManifestSummary> CheckCoverage(Table* table, const Uid& manifest);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COVERAGE_H_
