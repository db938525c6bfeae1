#include "base/box.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(BoxTest, CountsElementsAndBytes) {
  EXPECT_THAT(ElementCount({}), IsOkAndHolds(1));
  EXPECT_THAT(ElementCount({2, 3, 4}), IsOkAndHolds(24));
  EXPECT_THAT(ElementCount({2, 0, 4}), IsOkAndHolds(0));
  EXPECT_THAT(ElementCount({kMax}), IsOkAndHolds(kMax));
  EXPECT_THAT(ByteCount({}, 8), IsOkAndHolds(8));
  EXPECT_THAT(ByteCount({2, 3}, 4), IsOkAndHolds(24));
}

TEST(BoxTest, RefusesShapesThatCannotBe) {
  using absl::StatusCode;
  EXPECT_THAT(ElementCount({2, -1}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("shape[1]")));
  EXPECT_THAT(ElementCount({kMax, 2}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ElementCount({int64_t{1} << 32, int64_t{1} << 31}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ByteCount({kMax}, 2), StatusIs(StatusCode::kInvalidArgument));
  // Empty, but a box of it has a stride that would overflow.
  EXPECT_THAT(ElementCount({0, kMax, 2}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ElementCount({kMax, 2, 0}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_OK(ElementCount(std::vector<int64_t>(kMaxRank, 1)));
  EXPECT_THAT(ElementCount(std::vector<int64_t>(kMaxRank + 1, 1)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("65")));
}

TEST(BoxTest, ResolvesExtents) {
  const std::vector<int64_t> shape = {4, 6};
  EXPECT_THAT(ResolveBox({}, shape), IsOkAndHolds(WholeBox(shape)));
  EXPECT_THAT(ResolveBox({}, {}), IsOkAndHolds(Box{}));
  EXPECT_THAT(ResolveBox({{1, 2}, {3, std::nullopt}}, shape), IsOkAndHolds(Box{{1, 3}, {2, 3}}));
  EXPECT_THAT(ResolveBox({{4, std::nullopt}, {0, 0}}, shape), IsOkAndHolds(Box{{4, 0}, {0, 0}}));
}

TEST(BoxTest, OpenDimensionsGoAndComeBack) {
  const std::vector<ExtentSpec> extents = {{0, std::nullopt}, {1, 2}, {3, std::nullopt}};
  const OpenDimensions open = OpenDimensionsOf(extents);
  EXPECT_EQ(open, 0b101);
  ASSERT_OK_AND_ASSIGN(const Box box, ResolveBox(extents, {4, 4, 4}));
  const std::vector<ExtentSpec> again = ExtentsOfBox(box, open);
  ASSERT_EQ(again.size(), 3);
  for (size_t d = 0; d < 3; ++d) {
    EXPECT_EQ(again[d].start, extents[d].start);
    EXPECT_EQ(again[d].length, extents[d].length);
  }
  EXPECT_EQ(OpenDimensionsOf(std::vector<ExtentSpec>(kMaxRank)), ~OpenDimensions{0});
}

TEST(BoxTest, RefusesExtentsOutsideTheShape) {
  const std::vector<int64_t> shape = {4, 6};
  const ExtentSpec whole;
  const auto fails_at = [&](ExtentSpec second) {
    return testing::Value(ResolveBox({whole, second}, shape),
                          StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("extents[1]")));
  };
  EXPECT_TRUE(fails_at({-1, std::nullopt}));
  EXPECT_TRUE(fails_at({7, std::nullopt}));
  EXPECT_TRUE(fails_at({kMax, kMax}));
  EXPECT_TRUE(fails_at({3, 4}));
  EXPECT_TRUE(fails_at({3, kMax}));
  EXPECT_TRUE(fails_at({3, -1}));
  EXPECT_THAT(ResolveBox({whole}, shape), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ResolveBox({whole}, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(BoxTest, IntersectsAndContains) {
  const Box box{{2, 2}, {4, 4}};
  EXPECT_EQ(Intersect(box, {{0, 5}, {3, 5}}), (Box{{2, 5}, {1, 1}}));
  EXPECT_EQ(Intersect(box, {{6, 2}, {1, 4}}), std::nullopt);
  EXPECT_EQ(Intersect(box, {{3, 3}, {0, 1}}), std::nullopt);
  EXPECT_EQ(Intersect(Box{}, Box{}), Box{});
  EXPECT_TRUE(Contains(box, box));
  EXPECT_TRUE(Contains(box, {{5, 3}, {1, 2}}));
  EXPECT_FALSE(Contains(box, {{5, 3}, {2, 2}}));
  EXPECT_FALSE(Contains(box, {{1, 3}, {2, 2}}));
  EXPECT_TRUE(Contains(Box{}, Box{}));
}

TEST(BoxTest, PrintsAsPeopleWriteSlices) {
  EXPECT_EQ(ToString(Box{{0, 5}, {2, 3}}), "[0:2, 5:8]");
  EXPECT_EQ(ToString(Box{}), "[]");
  EXPECT_EQ(ShapeToString({2, 3}), "[2, 3]");
  EXPECT_EQ(ShapeToString({}), "[]");
}

TEST(BoxTest, BytesAreOneMoreDimension) {
  EXPECT_EQ(ByteBox({{1, 2}, {3, 4}}, 8), (Box{{1, 2, 0}, {3, 4, 8}}));
  EXPECT_EQ(ByteBox({}, 2), (Box{{0}, {2}}));
}

TEST(BoxTest, OrderIsRowMajor) {
  EXPECT_LT((Box{{0, 4}, {2, 2}}), (Box{{2, 0}, {2, 2}}));
  EXPECT_LT((Box{{0, 0}, {2, 1}}), (Box{{0, 0}, {2, 2}}));
}

struct Stretch {
  int64_t outer_offset, inner_offset, count;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

std::vector<Stretch> Runs(const Box& outer, const Box& inner, int64_t begin, int64_t end) {
  std::vector<Stretch> runs;
  ForEachRun(outer, inner, begin, end,
             [&](int64_t o, int64_t i, int64_t n) { runs.push_back({o, i, n}); });
  return runs;
}

TEST(ForEachRunTest, WholeTrailingDimensionsAreOneRun) {
  EXPECT_EQ(Runs({{0, 0}, {4, 6}}, {{1, 0}, {2, 6}}, 0, 12), (std::vector<Stretch>{{6, 0, 12}}));
  EXPECT_EQ(Runs({{0, 0, 0}, {2, 4, 6}}, {{0, 1, 0}, {2, 2, 6}}, 0, 24),
            (std::vector<Stretch>{{6, 0, 12}, {30, 12, 12}}));
  EXPECT_EQ(Runs({{0, 0}, {4, 6}}, {{1, 2}, {2, 3}}, 0, 6),
            (std::vector<Stretch>{{8, 0, 3}, {14, 3, 3}}));
  EXPECT_EQ(Runs(Box{}, Box{}, 0, 1), (std::vector<Stretch>{{0, 0, 1}}));
}

TEST(ForEachRunTest, VisitsOnlyTheAskedElements) {
  const Box outer{{0, 0}, {4, 6}}, inner{{1, 2}, {2, 3}};
  EXPECT_EQ(Runs(outer, inner, 1, 5), (std::vector<Stretch>{{9, 1, 2}, {14, 3, 2}}));
  EXPECT_TRUE(Runs(outer, inner, 3, 3).empty());
  EXPECT_TRUE(Runs(outer, inner, 6, 6).empty());
  EXPECT_TRUE(Runs(outer, {{1, 2}, {0, 3}}, 0, 0).empty());
}

// A box of random sizes in `bounds`, which may be empty.
Box RandomBoxIn(const Box& bounds, std::mt19937& random) {
  Box box;
  for (int d = 0; d < bounds.rank(); ++d) {
    const int64_t start = random() % (bounds.length[d] + 1);
    box.start.push_back(bounds.start[d] + start);
    box.length.push_back(random() % (bounds.length[d] - start + 1));
    if (random() % 3 == 0) {
      box.start[d] = bounds.start[d];
      box.length[d] = bounds.length[d];
    }
  }
  return box;
}

Box RandomOuter(int rank, std::mt19937& random) {
  Box box;
  for (int d = 0; d < rank; ++d) {
    box.start.push_back(random() % 4);
    box.length.push_back(random() % 5);
  }
  return box;
}

// The offsets in `outer` of the elements of `inner`, one after the other.
void OffsetsByDefinition(const Box& outer, const Box& inner, int axis, int64_t offset,
                         std::vector<int64_t>* offsets) {
  if (axis == inner.rank()) return offsets->push_back(offset);
  for (int64_t i = inner.start[axis]; i < inner.start[axis] + inner.length[axis]; ++i) {
    OffsetsByDefinition(outer, inner, axis + 1, offset * outer.length[axis] + i - outer.start[axis],
                        offsets);
  }
}

TEST(ForEachRunTest, AgreesWithTheDefinitionForRandomBoxes) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    const Box outer = RandomOuter(round % 5, random);
    const Box inner = RandomBoxIn(outer, random);
    SCOPED_TRACE(ToString(outer) + " " + ToString(inner));
    std::vector<int64_t> offsets;
    OffsetsByDefinition(outer, inner, 0, 0, &offsets);
    ASSERT_EQ(Volume(inner), static_cast<int64_t>(offsets.size()));
    const int64_t begin = random() % (offsets.size() + 1);
    const int64_t end = begin + random() % (offsets.size() - begin + 1);
    int64_t next = begin;
    for (const Stretch& run : Runs(outer, inner, begin, end)) {
      ASSERT_EQ(run.inner_offset, next);
      ASSERT_GT(run.count, 0);
      for (int64_t i = 0; i < run.count; ++i) ASSERT_EQ(run.outer_offset + i, offsets[next++]);
    }
    ASSERT_EQ(next, end);
  }
}

TEST(InnerElementsBeforeTest, AgreesWithTheDefinitionForRandomBoxes) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const Box outer = RandomOuter(round % 5, random);
    const Box inner = RandomBoxIn(outer, random);
    SCOPED_TRACE(ToString(outer) + " " + ToString(inner));
    std::vector<int64_t> offsets;
    OffsetsByDefinition(outer, inner, 0, 0, &offsets);
    int64_t before = 0;
    for (int64_t offset = 0; offset <= Volume(outer); ++offset) {
      while (before < Volume(inner) && offsets[before] < offset) ++before;
      ASSERT_EQ(InnerElementsBefore(outer, inner, offset), before) << offset;
    }
  }
}

TEST(InnerElementsBeforeTest, HoldsForBoxesThatNoMemoryHolds) {
  const Box outer{{0, 0}, {int64_t{1} << 31, int64_t{1} << 31}};
  const Box inner{{1, 1}, {int64_t{1} << 30, int64_t{1} << 30}};
  EXPECT_EQ(InnerElementsBefore(outer, inner, Volume(outer)), Volume(inner));
  EXPECT_EQ(InnerElementsBefore(outer, inner, (int64_t{1} << 31) * 3), int64_t{1} << 31);
}

}  // namespace
}  // namespace cairn
