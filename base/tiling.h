// Whether boxes tile a shape: no two overlap and none is missing. Tilings need not be grids.
#ifndef CAIRN_BASE_TILING_H_
#define CAIRN_BASE_TILING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/types/span.h"
#include "base/box.h"

namespace cairn {

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

}  // namespace cairn

#endif  // CAIRN_BASE_TILING_H_
