#include "storage/chunk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/string_view.h"

namespace cairn::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ChunkSetTest, BitsAreCountedAndNumberedFromTheLowestOfTheFirstByte) {
  const ChunkSet chunks("\x06\x81");
  EXPECT_THAT(chunks.Numbers(), ElementsAre(1, 2, 8, 15));
  EXPECT_EQ(chunks.count(), 4);
  EXPECT_THAT(ChunkSet().Numbers(), IsEmpty());
  EXPECT_EQ(ChunkSet().count(), 0);
}

TEST(ChunkSetTest, ChunksAreAddedOneByOne) {
  ChunkSet chunks;
  chunks.Add(1);
  chunks.Add(9);
  EXPECT_EQ(chunks.bitmap(), std::string("\x02\x02"));
  EXPECT_TRUE(chunks.Has(9));
  EXPECT_FALSE(chunks.Has(8));
  EXPECT_FALSE(chunks.Has(1000));
}

TEST(ChunkSetTest, WhatIsLeftOfASetMayBeNothing) {
  const ChunkSet all(std::string("\x06\x03"));
  const ChunkSet some(std::string("\x02"));
  EXPECT_EQ(all.Without(some).Numbers(), (std::vector<uint32_t>{2, 8, 9}));
  EXPECT_EQ(some.Without(all).count(), 0);
  EXPECT_TRUE(some.IsIn(all));
  EXPECT_FALSE(all.IsIn(some));
  EXPECT_TRUE(ChunkSet().IsIn(some));
}

TEST(ChunkSetTest, SetsOfDifferentLengthsAreUnitedAndCompared) {
  const ChunkSet longer("\x02\x03"), shorter("\x06");
  ChunkSet both = shorter;
  both.Add(longer);
  EXPECT_THAT(both.Numbers(), ElementsAre(1, 2, 8, 9));
  both = longer;
  both.Add(shorter);
  EXPECT_THAT(both.Numbers(), ElementsAre(1, 2, 8, 9));
  EXPECT_EQ(longer.CountIn(shorter), 1);
  EXPECT_EQ(shorter.CountIn(longer), 1);
  EXPECT_EQ(shorter.CountIn(both), 2);
  EXPECT_EQ(shorter.CountIn(ChunkSet()), 0);
}

TEST(ChunkTallyTest, EqualAndDisjointSetsAreExactOthersProrated) {
  ChunkTally tally;
  EXPECT_EQ(tally.bytes_per_chunk(), 0);
  tally.Add(ChunkSet("\x06"), 1001);
  tally.Add(ChunkSet("\x06"), 1001);
  EXPECT_EQ(tally.bytes(), 1001);
  tally.Add(ChunkSet("\x08"), 50);
  EXPECT_EQ(tally.bytes(), 1051);
  tally.Add(ChunkSet("\x18"), 80);  // half of it is new
  EXPECT_EQ(tally.bytes(), 1091);
  tally.AddWithMean(ChunkSet("\x60"), 5);
  EXPECT_EQ(tally.bytes(), 1101);
  EXPECT_THAT(tally.chunks().Numbers(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(tally.bytes_per_chunk(), 1101 / 6);
  EXPECT_EQ(tally.BytesIn(tally.chunks()), 1101);
  EXPECT_EQ(tally.BytesIn(ChunkSet()), 0);
  EXPECT_EQ(tally.BytesIn(ChunkSet("\x06")), 1101 * 2 / 6);
}

TEST(ChunkTallyTest, ASetWithoutChunksAddsNothing) {
  ChunkTally tally;
  tally.Add(ChunkSet(absl::string_view("\0", 1)), 100);
  EXPECT_EQ(tally.bytes(), 0);
}

}  // namespace
}  // namespace cairn::storage
