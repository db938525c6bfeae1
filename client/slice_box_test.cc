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
