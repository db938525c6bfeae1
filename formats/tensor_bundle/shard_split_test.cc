#include "formats/tensor_bundle/shard_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace cairn {
namespace {

using ::testing::ElementsAre;

TEST(SplitEvenlyTest, CutsAreNearestToEqualShares) {
  EXPECT_THAT(SplitEvenly({1, 1, 1, 1, 1, 1}, 3), ElementsAre(0, 2, 4));
  EXPECT_THAT(SplitEvenly({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 4), ElementsAre(0, 2, 5, 7));
  EXPECT_THAT(SplitEvenly({10, 1, 1, 1, 1}, 2), ElementsAre(0, 1));
  EXPECT_THAT(SplitEvenly({1, 1, 1, 1, 10}, 2), ElementsAre(0, 4));
  EXPECT_THAT(SplitEvenly({5, 5, 5}, 1), ElementsAre(0));
}

TEST(SplitEvenlyTest, EveryFileHasASlice) {
  EXPECT_THAT(SplitEvenly({7, 7}, 5), ElementsAre(0, 1));
  EXPECT_THAT(SplitEvenly({100, 0, 0, 0}, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(SplitEvenly({0, 0, 0, 100}, 3), ElementsAre(0, 2, 3));
  EXPECT_THAT(SplitEvenly({0, 0, 0}, 3), ElementsAre(0, 1, 2));
}

TEST(SplitEvenlyTest, NoSlicesAreOneFile) { EXPECT_THAT(SplitEvenly({}, 8), ElementsAre(0)); }

TEST(SplitEvenlyTest, SizesNearTheLimitDoNotOverflow) {
  const std::vector<int64_t> sizes = {INT64_MAX / 2, INT64_MAX / 2, 1};
  EXPECT_THAT(SplitEvenly(sizes, 2), ElementsAre(0, 1));
}

TEST(SplitEvenlyTest, NoFileIsLargerThanItsShareAndOneSlice) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> sizes(1 + random() % 40);
    for (int64_t& size : sizes) size = static_cast<int64_t>(random() % 100);
    const int shards = 1 + static_cast<int>(random() % 50);
    std::vector<size_t> begins = SplitEvenly(sizes, shards);
    ASSERT_EQ(begins.size(), std::min<size_t>(shards, sizes.size()));
    ASSERT_EQ(begins[0], 0);
    const int64_t total = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
    const int64_t largest = *std::max_element(sizes.begin(), sizes.end());
    begins.push_back(sizes.size());
    for (size_t i = 0; i + 1 < begins.size(); ++i) {
      ASSERT_LT(begins[i], begins[i + 1]);
      const int64_t bytes =
          std::accumulate(sizes.begin() + static_cast<int64_t>(begins[i]),
                          sizes.begin() + static_cast<int64_t>(begins[i + 1]), int64_t{0});
      EXPECT_LE(bytes, total / static_cast<int64_t>(begins.size() - 1) + 1 + largest);
    }
  }
}

TEST(SplitByLimitTest, AFileBeginsBeforeTheLimitIsPassed) {
  EXPECT_THAT(SplitByLimit({4, 4, 4, 4, 4}, 8), ElementsAre(0, 2, 4));
  EXPECT_THAT(SplitByLimit({4, 4, 4, 4, 4}, 7), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(SplitByLimit({4, 4, 0, 4}, 8), ElementsAre(0, 3));
  EXPECT_THAT(SplitByLimit({1, 2, 3}, INT64_MAX), ElementsAre(0));
}

TEST(SplitByLimitTest, ALargerSliceStandsAlone) {
  EXPECT_THAT(SplitByLimit({9, 1, 9, 1, 1}, 8), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(SplitByLimit({9, 0, 1}, 8), ElementsAre(0, 1));
  EXPECT_THAT(SplitByLimit({INT64_MAX - 1, 1}, 1), ElementsAre(0, 1));
}

TEST(SplitByLimitTest, NoSlicesAreOneFile) { EXPECT_THAT(SplitByLimit({}, 8), ElementsAre(0)); }

}  // namespace
}  // namespace cairn
