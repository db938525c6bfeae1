#include "formats/tensor_bundle/tensor_size.h"

#include <limits>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
const BundleDtype kFloat = *BundleDtypeFromNumber(1);
const BundleDtype kStrings = *BundleDtypeFromNumber(7);
const BundleDtype kVariants = *BundleDtypeFromNumber(21);
const BundleDtype kLater = *BundleDtypeFromNumber(99);

TEST(TensorSizeTest, FixedWidthTakesExactlyItsElements) {
  EXPECT_OK(CheckTensorSize(kFloat, {2, 3}, 24));
  EXPECT_OK(CheckTensorSize(kFloat, {}, 4));
  EXPECT_OK(CheckTensorSize(kFloat, {0, 3}, 0));
  EXPECT_THAT(CheckTensorSize(kFloat, {2, 3}, 23),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float32[2, 3] takes 24")));
}

TEST(TensorSizeTest, VariableWidthHasALeast) {
  EXPECT_OK(CheckTensorSize(kStrings, {3}, 7));
  EXPECT_FALSE(CheckTensorSize(kStrings, {3}, 6).ok());
  EXPECT_OK(CheckTensorSize(kVariants, {2}, 10));
  EXPECT_FALSE(CheckTensorSize(kVariants, {2}, 9).ok());
  EXPECT_FALSE(CheckTensorSize(kStrings, {kHuge}, kHuge).ok());
  EXPECT_FALSE(CheckTensorSize(kVariants, {kHuge}, kHuge).ok());
}

TEST(TensorSizeTest, UnknownTypesHaveAnySizeButANegativeOne) {
  EXPECT_OK(CheckTensorSize(kLater, {1000}, 0));
  EXPECT_OK(CheckTensorSize(kLater, {}, kHuge));
  EXPECT_FALSE(CheckTensorSize(kLater, {}, -1).ok());
}

TEST(TensorSizeTest, ShapesThatOverflowAreRefused) {
  EXPECT_FALSE(CheckTensorSize(kFloat, {kHuge}, 0).ok());
  EXPECT_FALSE(CheckTensorSize(kFloat, {int64_t{1} << 32, int64_t{1} << 32}, 0).ok());
  EXPECT_FALSE(CheckTensorSize(kFloat, {-1}, -4).ok());
}

}  // namespace
}  // namespace cairn
