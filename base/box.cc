#include "base/box.h"

#include <algorithm>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"

namespace cairn {
namespace {

using Dimensions = absl::InlinedVector<int64_t, 8>;

// a * b of non-negative numbers; nullopt over 2^63-1.
std::optional<int64_t> CheckedMultiply(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

int64_t Product(absl::Span<const int64_t> lengths) {
  int64_t product = 1;
  for (int64_t length : lengths) {
    if (length == 0) return 0;
    product *= length;
  }
  return product;
}

absl::Status ExtentError(size_t dimension, absl::string_view description) {
  return InvalidField(absl::StrCat("extents[", dimension, "]"), description);
}

// The runs of one ForEachRun: equally long, one for each index of the dimensions before `axis`.
class RunCursor {
 public:
  // Stands on the run that holds inner element `inner_offset`.
  RunCursor(const Box& outer, const Box& inner, int64_t inner_offset) : inner_(inner) {
    // Trailing dimensions that are whole in both are one stretch of memory with the one before.
    int axis = inner.rank() - 1;
    int64_t stride = 1;
    run_length_ = 1;
    for (; axis >= 0; --axis) {
      run_length_ *= inner.length[axis];
      outer_offset_ += (inner.start[axis] - outer.start[axis]) * stride;
      stride *= outer.length[axis];
      if (inner.length[axis] != outer.length[axis]) break;
    }
    axis_ = std::max(axis, 0);
    index_.resize(axis_);
    stride_.resize(axis_);
    int64_t run = inner_offset / run_length_;
    within_ = inner_offset % run_length_;
    for (int d = axis_ - 1; d >= 0; --d) {
      index_[d] = run % inner.length[d];
      run /= inner.length[d];
      stride_[d] = stride;
      outer_offset_ += (inner.start[d] - outer.start[d] + index_[d]) * stride;
      stride *= outer.length[d];
    }
  }

  int64_t outer_offset() const { return outer_offset_ + within_; }
  int64_t rest_of_run() const { return run_length_ - within_; }

  void NextRun() {
    within_ = 0;
    for (int d = axis_ - 1; d >= 0; --d) {
      outer_offset_ += stride_[d];
      if (++index_[d] < inner_.length[d]) return;
      outer_offset_ -= inner_.length[d] * stride_[d];
      index_[d] = 0;
    }
  }

 private:
  const Box& inner_;
  int axis_;                  // the first dimension that lies inside a run
  int64_t run_length_;        // elements
  int64_t outer_offset_ = 0;  // of the run's first element
  int64_t within_;            // elements of the run already passed
  Dimensions index_;          // of the run, per dimension before axis_
  Dimensions stride_;         // of outer, likewise
};

}  // namespace

OpenDimensions OpenDimensionsOf(absl::Span<const ExtentSpec> extents) {
  OpenDimensions open = 0;
  for (size_t d = 0; d < extents.size(); ++d) {
    if (!extents[d].length.has_value()) open |= OpenDimensions{1} << d;
  }
  return open;
}

std::vector<ExtentSpec> ExtentsOfBox(const Box& box, OpenDimensions open) {
  std::vector<ExtentSpec> extents;
  extents.reserve(box.rank());
  for (int d = 0; d < box.rank(); ++d) {
    ExtentSpec& extent = extents.emplace_back();
    extent.start = box.start[d];
    if ((open >> d & 1) == 0) extent.length = box.length[d];
  }
  return extents;
}

absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape) {
  return ByteCount(shape, /*item_bytes=*/1);
}

absl::StatusOr<int64_t> ByteCount(absl::Span<const int64_t> shape, int item_bytes) {
  CAIRN_CHECK(item_bytes >= 0);
  if (shape.size() > static_cast<size_t>(kMaxRank)) {
    return InvalidField("shape", absl::StrCat("has ", shape.size(), " dimensions; at most ",
                                              kMaxRank, " are allowed"));
  }
  int64_t product = item_bytes;
  bool empty = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0) {
      return InvalidField(absl::StrCat("shape[", d, "]"),
                          absl::StrCat("is ", shape[d], "; a dimension is 0 or more"));
    }
    if (shape[d] == 0) {
      empty = true;
      continue;
    }
    std::optional<int64_t> next = CheckedMultiply(product, shape[d]);
    if (!next) {
      return InvalidField("shape", absl::StrCat(ShapeToString(shape), " at ", item_bytes,
                                                " bytes an element passes 2^63-1 bytes"));
    }
    product = *next;
  }
  return empty ? 0 : product;
}

int64_t Volume(const Box& box) { return Product(box.length); }

Box WholeBox(absl::Span<const int64_t> shape) {
  return {std::vector<int64_t>(shape.size(), 0), {shape.begin(), shape.end()}};
}

Box ByteBox(Box box, int item_bytes) {
  box.start.push_back(0);
  box.length.push_back(item_bytes);
  return box;
}

absl::StatusOr<Box> ResolveBox(absl::Span<const ExtentSpec> extents,
                               absl::Span<const int64_t> shape) {
  Box box = WholeBox(shape);
  if (extents.empty()) return box;
  if (extents.size() != shape.size()) {
    return InvalidField("extents", absl::StrCat("has ", extents.size(), " entries for the shape ",
                                                ShapeToString(shape),
                                                "; give one for each dimension or none at all"));
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    const auto& [start, length] = extents[d];
    if (start < 0 || start > shape[d]) {
      return ExtentError(d, absl::StrCat("start is ", start, "; it must be 0 to ", shape[d],
                                         " in the shape ", ShapeToString(shape)));
    }
    const int64_t rest = shape[d] - start;
    if (length && (*length < 0 || *length > rest)) {
      return ExtentError(
          d, absl::StrCat("length is ", *length, "; from start ", start, " on it must be 0 to ",
                          rest, " in the shape ", ShapeToString(shape)));
    }
    box.start[d] = start;
    box.length[d] = length.value_or(rest);
  }
  return box;
}

std::optional<Box> Intersect(const Box& a, const Box& b) {
  CAIRN_CHECK(a.rank() == b.rank());
  Box both;
  both.start.reserve(a.rank());
  both.length.reserve(a.rank());
  for (int d = 0; d < a.rank(); ++d) {
    const int64_t start = std::max(a.start[d], b.start[d]);
    const int64_t end = std::min(a.start[d] + a.length[d], b.start[d] + b.length[d]);
    if (start >= end) return std::nullopt;
    both.start.push_back(start);
    both.length.push_back(end - start);
  }
  return both;
}

bool Contains(const Box& outer, const Box& inner) {
  CAIRN_CHECK(outer.rank() == inner.rank());
  for (int d = 0; d < inner.rank(); ++d) {
    if (inner.start[d] < outer.start[d]) return false;
    if (inner.start[d] + inner.length[d] > outer.start[d] + outer.length[d]) return false;
  }
  return true;
}

std::string ToString(const Box& box) {
  std::string text = "[";
  for (int d = 0; d < box.rank(); ++d) {
    absl::StrAppend(&text, d == 0 ? "" : ", ", box.start[d], ":", box.start[d] + box.length[d]);
  }
  text += "]";
  return text;
}

std::string ShapeToString(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

void ForEachRun(const Box& outer, const Box& inner, int64_t begin, int64_t end,
                absl::FunctionRef<void(int64_t, int64_t, int64_t)> visit) {
  if (begin >= end) return;
  RunCursor cursor(outer, inner, begin);
  while (true) {
    const int64_t count = std::min(cursor.rest_of_run(), end - begin);
    visit(cursor.outer_offset(), begin, count);
    begin += count;
    if (begin == end) return;
    cursor.NextRun();
  }
}

int64_t InnerElementsBefore(const Box& outer, const Box& inner, int64_t outer_offset) {
  int64_t inner_stride = Volume(inner);
  int64_t outer_stride = Volume(outer);
  if (inner_stride == 0 || outer_offset >= outer_stride) return inner_stride;
  int64_t before = 0;
  for (int d = 0; d < inner.rank(); ++d) {
    const int64_t slab = inner_stride;  // the elements of inner that share the indices so far
    inner_stride /= inner.length[d];
    outer_stride /= outer.length[d];
    const int64_t index = outer.start[d] + outer_offset / outer_stride - inner.start[d];
    outer_offset %= outer_stride;
    if (index < 0) return before;
    if (index >= inner.length[d]) return before + slab;
    before += index * inner_stride;
  }
  return before;
}

}  // namespace cairn
