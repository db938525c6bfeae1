#include "client/slice_box.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace cairn {
namespace {

TEST(SliceBoxTest, ABoxComesBackAsItWent) {
  v1::SlicePart part;
  part.add_shape(4);
  part.add_shape(3);
  const Box box = {{1, 0}, {2, 3}};
  *part.mutable_slice() = SliceFromBox(box);
  EXPECT_THAT(BoxOfPart(part), IsOkAndHolds(box));
}

TEST(SliceBoxTest, OpenDimensionsHaveNoLength) {
  const v1::Slice slice = SliceFromBox({{0, 1}, {4, 2}}, /*open=*/0b01);
  EXPECT_FALSE(slice.extents(0).has_length());
  EXPECT_EQ(slice.extents(1).length(), 2);
  EXPECT_THAT(BoxOfSlice(slice, {4, 3}), IsOkAndHolds(Box{{0, 1}, {4, 2}}));
  v1::StoredSlice stored;
  *stored.mutable_slice() = SliceFromBox({{0, 1}, {4, 2}});
  stored.add_open_dimensions(1);
  EXPECT_THAT(OpenDimensionsOf(stored), IsOkAndHolds(0b10));
  stored.add_open_dimensions(2);
  EXPECT_THAT(OpenDimensionsOf(stored), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SliceBoxTest, NoSliceIsTheWholeTensor) {
  v1::SlicePart part;
  part.add_shape(4);
  EXPECT_THAT(BoxOfPart(part), IsOkAndHolds(WholeBox({4})));
}

TEST(SliceBoxTest, WhatDoesNotLieInTheShapeIsRefused) {
  v1::SlicePart part;
  part.add_shape(4);
  *part.mutable_slice() = SliceFromBox({{3}, {2}});
  EXPECT_THAT(BoxOfPart(part), StatusIs(absl::StatusCode::kInvalidArgument));
  part.set_shape(0, -4);
  EXPECT_THAT(BoxOfPart(part), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn
