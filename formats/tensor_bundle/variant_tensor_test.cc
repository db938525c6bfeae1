#include "formats/tensor_bundle/variant_tensor.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

struct Variants {
  std::string bytes;
  uint32_t crc32c = 0;
};

// The rule of TensorFlow's writer: what is summed is `summed`, whose sum is taken from the start
// each time.
Variants Written(const std::vector<std::string>& elements) {
  Variants variants;
  std::string summed;
  for (const std::string& element : elements) {
    AppendVarint(element.size(), &variants.bytes);
    AppendFixed(element.size(), 8, &summed);
    absl::StrAppend(&summed, element);
    std::string stored;
    AppendFixed(MaskCrc32c(Crc32c(summed)), 4, &stored);
    absl::StrAppend(&variants.bytes, element, stored);
    absl::StrAppend(&summed, stored);
  }
  variants.crc32c = Crc32c(summed);
  return variants;
}

TEST(VariantTensorTest, SumsWhatTensorFlowSums) {
  for (const auto& elements : std::vector<std::vector<std::string>>{
           {}, {""}, {"state"}, {"one", "", std::string(300, 'z')}}) {
    const Variants variants = Written(elements);
    EXPECT_THAT(VariantTensorCrc32c(variants.bytes, elements.size()),
                IsOkAndHolds(variants.crc32c));
  }
}

TEST(VariantTensorTest, OtherCountsAreErrors) {
  const Variants variants = Written({"one", "two"});
  EXPECT_THAT(VariantTensorCrc32c(variants.bytes, 1),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("follow")));
  EXPECT_THAT(VariantTensorCrc32c(variants.bytes, 3),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("element 2")));
}

TEST(VariantTensorTest, EveryChangedBitAndEveryCutIsFound) {
  const Variants variants = Written({"one", "", "three"});
  for (size_t bit = 0; bit < 8 * variants.bytes.size(); ++bit) {
    std::string damaged = variants.bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_THAT(VariantTensorCrc32c(damaged, 3), StatusIs(absl::StatusCode::kDataLoss)) << bit;
  }
  for (size_t size = 0; size < variants.bytes.size(); ++size) {
    EXPECT_THAT(VariantTensorCrc32c(variants.bytes.substr(0, size), 3),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace cairn
