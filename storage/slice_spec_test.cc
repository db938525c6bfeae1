#include "storage/slice_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

using ::testing::HasSubstr;

SliceSpec Slice(std::string dtype, std::vector<int64_t> shape) {
  return {TensorKind::kTensor, "w", std::move(dtype), shape, WholeBox(shape), false};
}

TEST(SliceSpecTest, BytesOfASliceAreKnownWhereElementsHaveAWidth) {
  EXPECT_EQ(*ValidateSlice(Slice("float32", {2, 3})), 24);
  EXPECT_EQ(*ValidateSlice(Slice("float32", {})), 4);
  EXPECT_EQ(*ValidateSlice(Slice("float32", {0, 3})), 0);
  EXPECT_EQ(*ValidateSlice(Slice("string", {2})), std::nullopt);
  EXPECT_EQ(*ValidateSlice(Slice("tf:21", {2})), std::nullopt);
  EXPECT_EQ(*ValidateSlice(Slice("bytes", {})), std::nullopt);
}

TEST(SliceSpecTest, ABoxMayEndWhereTheShapeDoesAndNoFurther) {
  SliceSpec slice = Slice("int8", {4});
  slice.box = Box{{4}, {0}};
  EXPECT_EQ(*ValidateSlice(slice), 0);
  slice.box = Box{{3}, {2}};
  EXPECT_THAT(ValidateSlice(slice),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("starts at 3")));
  slice.box = Box{{INT64_MAX}, {INT64_MAX}};
  EXPECT_THAT(ValidateSlice(slice), StatusIs(absl::StatusCode::kInvalidArgument));
  slice.box = Box{{-1}, {2}};
  EXPECT_THAT(ValidateSlice(slice), StatusIs(absl::StatusCode::kInvalidArgument));
  slice.box = Box{{0}, {}};
  EXPECT_THAT(ValidateSlice(slice), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SliceSpecTest, ShapesWhoseBytesOverflowAreRefusedEvenWithASmallBox) {
  SliceSpec slice = Slice("float64", {int64_t{1} << 61, 2});
  slice.box = Box{{0, 0}, {1, 1}};
  EXPECT_THAT(ValidateSlice(slice), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateSlice(Slice("int8", {kMaxSliceBytes + 1})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("as several")));
}

TEST(SliceSpecTest, PartsBeginAtMultiplesWithinTheSlice) {
  const SliceSpec slice = Slice("int8", {2 * kPartBytes});
  EXPECT_OK(ValidatePartStart(slice, 0, 2 * kPartBytes));
  EXPECT_OK(ValidatePartStart(slice, kPartBytes, 2 * kPartBytes));
  EXPECT_OK(ValidatePartStart(slice, 0, 0));
  EXPECT_OK(ValidatePartStart(slice, 7 * kPartBytes, std::nullopt));
  for (int64_t offset : {2 * kPartBytes, kPieceBytes, -kPartBytes, int64_t{1}}) {
    EXPECT_THAT(ValidatePartStart(slice, offset, 2 * kPartBytes),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(ValidatePartStart(slice, kMaxSliceBytes, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SliceSpecTest, AStringTensorHasALengthForEachElement) {
  EXPECT_OK(ValidateVariableBytes(Slice("string", {2}), 16));
  EXPECT_THAT(ValidateVariableBytes(Slice("string", {2}), 15),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(ValidateVariableBytes(Slice("string", {0}), 0));
  EXPECT_THAT(ValidateVariableBytes(Slice("string", {0}), 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(ValidateVariableBytes(Slice("tf:21", {2}), 0));
}

}  // namespace
}  // namespace cairn::storage
