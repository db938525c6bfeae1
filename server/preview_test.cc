#include "server/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "server/element_bytes.h"

namespace cairn::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

Preview Of(absl::string_view dtype, const Box& box, int64_t count,
           const std::vector<SliceBytes>& slices) {
  return PreviewOf(dtype, *FindDtype(dtype), box, count, slices);
}

TEST(FirstElementsBox, HoldsTheFirstElementsAndLittleMore) {
  const Box box = WholeBox({1000, 10, 8});
  EXPECT_EQ(FirstElementsBox(box, 1), (Box{{0, 0, 0}, {1, 1, 1}}));
  EXPECT_EQ(FirstElementsBox(box, 8), (Box{{0, 0, 0}, {1, 1, 8}}));
  EXPECT_EQ(FirstElementsBox(box, 9), (Box{{0, 0, 0}, {1, 2, 8}}));
  EXPECT_EQ(FirstElementsBox(box, 81), (Box{{0, 0, 0}, {2, 10, 8}}));
  EXPECT_EQ(FirstElementsBox(WholeBox({2}), 16), WholeBox({2}));
  EXPECT_EQ(FirstElementsBox(WholeBox({}), 16), WholeBox({}));
  EXPECT_EQ(FirstElementsBox(WholeBox({5, 0}), 16), (Box{{0, 0}, {1, 0}}));
  EXPECT_EQ(FirstElementsBox((Box{{3, 4}, {2, 3}}), 3), (Box{{3, 4}, {1, 3}}));
}

TEST(Preview, SlicesComeTogetherInRowMajorOrder) {
  // [[1 2 3] [4 5 6]] saved as two columns and one.
  Preview preview =
      Of("float32", WholeBox({2, 3}), 5,
         {{Box{{0, 0}, {2, 2}}, Floats({1, 2, 4, 5})}, {Box{{0, 2}, {2, 1}}, Floats({3, 6})}});
  EXPECT_THAT(preview.values, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(preview.texts, ElementsAre("1", "2", "3", "4", "5"));
}

TEST(Preview, WhatNoSliceHoldsIsNan) {
  Preview preview = Of("float32", WholeBox({3}), 3, {{Box{{1}, {1}}, Floats({7})}});
  EXPECT_TRUE(std::isnan(preview.values[0]));
  EXPECT_EQ(preview.values[1], 7);
  EXPECT_THAT(preview.texts, ElementsAre("", "7", ""));
}

TEST(Preview, StringsAreShownAsKeysAre) {
  const std::string a = "a\n", b(1000, 'b'), c = "c";
  Preview preview = Of("string", WholeBox({3}), 3, {{WholeBox({3}), BytesOfTexts({&a, &b, &c})}});
  EXPECT_THAT(preview.texts, ElementsAre("a\\x0a", std::string(kMaxPreviewTextBytes, 'b'), "c"));
  EXPECT_THAT(preview.values, IsEmpty());
}

TEST(Preview, LengthsThatLieShowWhatIsThere) {
  std::string bytes(8, '\xff');
  bytes += std::string(8, '\xff') + "xyz";
  EXPECT_THAT(Of("string", WholeBox({2}), 2, {{WholeBox({2}), bytes}}).texts,
              ElementsAre("xyz", ""));
  EXPECT_THAT(Of("string", WholeBox({2}), 2, {{WholeBox({2}), "abc"}}).texts, ElementsAre("", ""));
}

TEST(Preview, BytesAreOneTextAndOpaqueIsNothing) {
  EXPECT_THAT(Of("bytes", WholeBox({}), 16, {{WholeBox({}), "{}"}}).texts, ElementsAre("{}"));
  Preview opaque = Of("tf:21", WholeBox({}), 16, {{WholeBox({}), "{}"}});
  EXPECT_THAT(opaque.texts, IsEmpty());
  EXPECT_THAT(opaque.values, IsEmpty());
}

TEST(Preview, EmptyTensorHasNoElements) {
  EXPECT_THAT(Of("float32", WholeBox({0}), 16, {}).values, IsEmpty());
}

}  // namespace
}  // namespace cairn::server
