#include "base/tiling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace cairn {
namespace {

using Generator = std::mt19937_64;

int64_t Pick(Generator* random, int64_t below) {
  return static_cast<int64_t>((*random)() % static_cast<uint64_t>(below));
}

// A tiling of `box` by cuts at random places, of which some boxes are divided further: not a grid.
void Tile(const Box& box, int depth, Generator* random, std::vector<Box>* tiles) {
  const int d = box.rank() == 0 ? 0 : static_cast<int>(Pick(random, box.rank()));
  if (depth == 0 || box.rank() == 0 || box.length[d] < 2) {
    tiles->push_back(box);
    return;
  }
  const int64_t cut = 1 + Pick(random, box.length[d] - 1);
  Box low = box;
  Box high = box;
  low.length[d] = cut;
  high.start[d] += cut;
  high.length[d] -= cut;
  Tile(low, depth - 1, random, tiles);
  Tile(high, depth - 1, random, tiles);
}

// How often each element of a small tensor is held.
std::vector<int> Counts(const std::vector<int64_t>& shape, const std::vector<Box>& boxes) {
  const Box whole = WholeBox(shape);
  std::vector<int> counts(static_cast<size_t>(Volume(whole)));
  for (const Box& box : boxes) {
    ForEachRun(whole, box, 0, Volume(box), [&](int64_t offset, int64_t, int64_t count) {
      for (int64_t i = 0; i < count; ++i) ++counts[static_cast<size_t>(offset + i)];
    });
  }
  return counts;
}

// Compares what is found with the counts, element by element.
void ExpectFaultsAsCounted(const std::vector<int64_t>& shape, const std::vector<Box>& boxes) {
  const std::vector<int> counts = Counts(shape, boxes);
  const bool has_overlap = std::any_of(counts.begin(), counts.end(), [](int n) { return n > 1; });
  const bool has_hole = std::any_of(counts.begin(), counts.end(), [](int n) { return n == 0; });
  const TilingFaults faults = FindTilingFaults(shape, boxes);
  EXPECT_EQ(faults.overlap.has_value(), has_overlap);
  if (faults.overlap) {
    const auto [a, b] = *faults.overlap;
    EXPECT_LT(a, b);
    EXPECT_TRUE(Intersect(boxes[a], boxes[b]));
  }
  if (!has_overlap) {
    EXPECT_EQ(faults.hole.has_value(), has_hole);
  }
  if (!faults.hole) return;
  const std::vector<int> in_hole = Counts(shape, {*faults.hole});
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_TRUE(in_hole[i] == 0 || counts[i] == 0) << ToString(*faults.hole);
  }
}

std::vector<int64_t> RandomShape(Generator* random) {
  std::vector<int64_t> shape(1 + static_cast<size_t>(Pick(random, 3)));
  for (int64_t& dimension : shape) dimension = 1 + Pick(random, 12);
  return shape;
}

TEST(TilingTest, RandomTilingsHaveNoFaults) {
  Generator random(1);
  for (int i = 0; i < 500; ++i) {
    const std::vector<int64_t> shape = RandomShape(&random);
    std::vector<Box> tiles;
    Tile(WholeBox(shape), 7, &random, &tiles);
    std::shuffle(tiles.begin(), tiles.end(), random);
    const TilingFaults faults = FindTilingFaults(shape, tiles);
    EXPECT_FALSE(faults.overlap);
    EXPECT_FALSE(faults.hole);
  }
}

TEST(TilingTest, WhatIsTakenFromAddedToOrMovedInATilingIsFound) {
  Generator random(2);
  for (int i = 0; i < 1500; ++i) {
    const std::vector<int64_t> shape = RandomShape(&random);
    std::vector<Box> boxes;
    Tile(WholeBox(shape), 6, &random, &boxes);
    const size_t victim = static_cast<size_t>(Pick(&random, static_cast<int64_t>(boxes.size())));
    switch (i % 3) {
      case 0:
        boxes.erase(boxes.begin() + static_cast<int64_t>(victim));
        break;
      case 1:
        boxes.push_back(boxes[victim]);
        break;
      default: {  // an overlap and a hole of equal size
        Box& box = boxes[victim];
        const size_t d = static_cast<size_t>(Pick(&random, box.rank()));
        box.start[d] = Pick(&random, shape[d] - box.length[d] + 1);
      }
    }
    ExpectFaultsAsCounted(shape, boxes);
  }
}

TEST(TilingTest, RandomBoxesAreJudgedElementByElement) {
  Generator random(3);
  for (int i = 0; i < 1500; ++i) {
    const std::vector<int64_t> shape = RandomShape(&random);
    std::vector<Box> boxes(static_cast<size_t>(Pick(&random, 30)));
    for (Box& box : boxes) {
      for (int64_t dimension : shape) {
        box.start.push_back(Pick(&random, dimension + 1));
        box.length.push_back(Pick(&random, std::min<int64_t>(dimension - box.start.back(), 3) + 1));
      }
    }
    ExpectFaultsAsCounted(shape, boxes);
  }
}

TEST(TilingTest, APinwheelThatNoStraightCutSeparatesIsComplete) {
  std::vector<Box> boxes = {
      {{0, 0}, {1, 2}}, {{0, 2}, {2, 1}}, {{2, 1}, {1, 2}}, {{1, 0}, {2, 1}}, {{1, 1}, {1, 1}}};
  ExpectFaultsAsCounted({3, 3}, boxes);
  boxes.pop_back();
  EXPECT_EQ(FindTilingFaults({3, 3}, boxes).hole, (Box{{1, 1}, {1, 1}}));
}

TEST(TilingTest, AnOverlapThatLeavesAHoleOfEqualSizeIsFound) {
  const std::vector<Box> boxes = {{{0}, {2}}, {{1}, {2}}};
  const TilingFaults faults = FindTilingFaults({4}, boxes);
  EXPECT_EQ(faults.overlap, (std::pair<size_t, size_t>(0, 1)));
}

TEST(TilingTest, ScalarsAndShapesWithoutElementsNeedNothingSpecial) {
  EXPECT_FALSE(FindTilingFaults({}, {Box()}).hole);
  EXPECT_TRUE(FindTilingFaults({}, {}).hole);
  EXPECT_TRUE(FindTilingFaults({}, {Box(), Box()}).overlap);
  EXPECT_FALSE(FindTilingFaults({0, 5}, {}).hole);
  EXPECT_FALSE(FindTilingFaults({0, 5}, {{{0, 0}, {0, 5}}, {{0, 0}, {0, 5}}}).overlap);
  EXPECT_TRUE(FindTilingFaults({5}, {{{2}, {0}}}).hole);
}

TEST(TilingTest, HugeShapesDoNotOverflow) {
  constexpr int64_t kHuge = INT64_MAX;
  EXPECT_FALSE(FindTilingFaults({kHuge}, {{{0}, {1}}, {{1}, {kHuge - 1}}}).hole);
  EXPECT_EQ(FindTilingFaults({kHuge}, {{{0}, {1}}, {{2}, {kHuge - 2}}}).hole, (Box{{1}, {1}}));
  std::vector<int64_t> shape(kMaxRank, 1);
  shape[40] = kHuge;
  Box low = WholeBox(shape);
  Box high = low;
  low.length[40] = 7;
  high.start[40] = 7;
  high.length[40] -= 7;
  EXPECT_FALSE(FindTilingFaults(shape, {high, low}).hole);
}

TEST(TilingTest, TensOfThousandsOfSlicesAreChecked) {
  std::vector<Box> boxes;
  for (int64_t a = 0; a < 32; ++a) {
    for (int64_t b = 0; b < 32; ++b) {
      for (int64_t c = 0; c < 32; ++c) boxes.push_back({{a * 4, b * 4, c * 4}, {4, 4, 4}});
    }
  }
  const std::vector<int64_t> shape = {128, 128, 128};
  EXPECT_FALSE(FindTilingFaults(shape, boxes).hole);
  const Box lost = boxes.back();
  boxes.pop_back();
  EXPECT_EQ(FindTilingFaults(shape, boxes).hole, lost);
}

}  // namespace
}  // namespace cairn
