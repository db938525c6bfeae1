#include "formats/tensor_bundle/tensor_size.h"

#include <limits>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
// Of a type given by TensorFlow's number.
absl::Status Check(int32_t number, absl::Span<const int64_t> shape, int64_t size_bytes) {
  return CheckTensorSize(*BundleDtypeFromNumber(number), shape, size_bytes);
}

constexpr int32_t kFloat = 1;
constexpr int32_t kStrings = 7;
constexpr int32_t kVariants = 21;
constexpr int32_t kLater = 99;

TEST(TensorSizeTest, FixedWidthTakesExactlyItsElements) {
  EXPECT_OK(Check(kFloat, {2, 3}, 24));
  EXPECT_OK(Check(kFloat, {}, 4));
  EXPECT_OK(Check(kFloat, {0, 3}, 0));
  EXPECT_THAT(Check(kFloat, {2, 3}, 23),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float32[2, 3] takes 24")));
}

TEST(TensorSizeTest, VariableWidthHasALeast) {
  EXPECT_OK(Check(kStrings, {3}, 7));
  EXPECT_FALSE(Check(kStrings, {3}, 6).ok());
  EXPECT_OK(Check(kVariants, {2}, 10));
  EXPECT_FALSE(Check(kVariants, {2}, 9).ok());
  EXPECT_FALSE(Check(kStrings, {kHuge}, kHuge).ok());
  EXPECT_FALSE(Check(kVariants, {kHuge}, kHuge).ok());
}

TEST(TensorSizeTest, UnknownTypesHaveAnySizeButANegativeOne) {
  EXPECT_OK(Check(kLater, {1000}, 0));
  EXPECT_OK(Check(kLater, {}, kHuge));
  EXPECT_FALSE(Check(kLater, {}, -1).ok());
}

TEST(TensorSizeTest, ShapesThatOverflowAreRefused) {
  EXPECT_FALSE(Check(kFloat, {kHuge}, 0).ok());
  EXPECT_FALSE(Check(kFloat, {int64_t{1} << 32, int64_t{1} << 32}, 0).ok());
  EXPECT_FALSE(Check(kFloat, {-1}, -4).ok());
}

}  // namespace
}  // namespace cairn
