// Boxes of tensors: a start and a length per dimension, in elements. A scalar has the box of rank
// 0. Plain values; every function is pure.
#ifndef CAIRN_BASE_BOX_H_
#define CAIRN_BASE_BOX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace cairn {

inline constexpr int kMaxRank = 64;

struct Box {
  std::vector<int64_t> start;
  std::vector<int64_t> length;

  int rank() const { return static_cast<int>(start.size()); }
  friend bool operator==(const Box&, const Box&) = default;
  // By start, then by length: row-major order for the boxes of one tiling.
  friend auto operator<=>(const Box&, const Box&) = default;
};

// What a request says of one dimension: no length means to the end, 0 means nothing.
struct ExtentSpec {
  int64_t start = 0;
  std::optional<int64_t> length;
};

// Which dimensions a saver gave no length, "to the end": bit d for dimension d. In TensorFlow's
// files that is not the number which means the same.
using OpenDimensions = uint64_t;
static_assert(kMaxRank <= 64);

OpenDimensions OpenDimensionsOf(absl::Span<const ExtentSpec> extents);

// The extents of `box`, those of `open` dimensions without their length.
std::vector<ExtentSpec> ExtentsOfBox(const Box& box, OpenDimensions open);

// Number of elements of `shape` (1 for a scalar).
// Errors: kInvalidArgument (negative dimension, rank over kMaxRank, product of the dimensions that
// are not 0 over 2^63-1: so that no part of the shape overflows either).
absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape);

// ElementCount times `item_bytes`, checked the same way.
absl::StatusOr<int64_t> ByteCount(absl::Span<const int64_t> shape, int item_bytes);

// Number of elements of a box that lies in a checked shape.
int64_t Volume(const Box& box);

Box WholeBox(absl::Span<const int64_t> shape);

// `box` with the bytes of an element as one more, innermost dimension: for what is cut anywhere,
// not only between elements.
Box ByteBox(Box box, int item_bytes);

// The box that `extents` mean in `shape`; none at all means the whole.
// Errors: kInvalidArgument (other rank, negative number, reaches past the shape), naming the
// dimension.
absl::StatusOr<Box> ResolveBox(absl::Span<const ExtentSpec> extents,
                               absl::Span<const int64_t> shape);

// What both boxes hold; nullopt when that is empty (boxes of rank 0 meet). Requires: equal rank.
std::optional<Box> Intersect(const Box& a, const Box& b);

// Whether `inner` lies in `outer`. Requires: equal rank.
bool Contains(const Box& outer, const Box& inner);

// "[0:2, 5:8]" (start:end per dimension), "[]" for a scalar.
std::string ToString(const Box& box);
// "[2, 3]".
std::string ShapeToString(absl::Span<const int64_t> shape);

// Walks the elements of `inner` in row-major order, in runs that are contiguous in both boxes' own
// row-major layouts, and calls visit(outer_offset, inner_offset, count), all in elements.
// Only elements whose inner offset is in [begin, end) are visited. The work is in proportion to the
// runs visited. Requires: Contains(outer, inner), 0 <= begin <= end <= Volume(inner).
void ForEachRun(
    const Box& outer, const Box& inner, int64_t begin, int64_t end,
    absl::FunctionRef<void(int64_t outer_offset, int64_t inner_offset, int64_t count)> visit);

// How many elements of `inner`, in row-major order, lie before element `outer_offset` of `outer`:
// the inner offset at which a reader of outer's bytes from there on begins.
// Requires: Contains(outer, inner).
int64_t InnerElementsBefore(const Box& outer, const Box& inner, int64_t outer_offset);

}  // namespace cairn

#endif  // CAIRN_BASE_BOX_H_
