#include "client/cli/writer_share.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace cairn::cli {
namespace {

std::vector<SliceToSave> Slices(const std::vector<int64_t>& sizes) {
  std::vector<SliceToSave> slices(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) slices[i].bytes_count = sizes[i];
  return slices;
}

// How many slices each writer gets, once it is clear that each slice has one.
std::vector<size_t> Shares(const std::vector<SliceToSave>& slices, int writers) {
  std::vector<size_t> counts;
  const SliceToSave* next = slices.data();
  for (int writer = 0; writer < writers; ++writer) {
    const absl::Span<const SliceToSave> share = ShareOf(slices, writers, writer);
    if (!share.empty()) {
      EXPECT_EQ(share.data(), next) << "writer " << writer;
      next += share.size();
    }
    counts.push_back(share.size());
  }
  EXPECT_EQ(next, slices.data() + slices.size());
  return counts;
}

TEST(WriterShareTest, OneWriterHasAll) { EXPECT_EQ(Shares(Slices({1, 2, 3}), 1)[0], 3); }

TEST(WriterShareTest, EqualSlicesAreDividedEqually) {
  EXPECT_EQ(Shares(Slices(std::vector<int64_t>(12, 100)), 4), (std::vector<size_t>{3, 3, 3, 3}));
  EXPECT_EQ(Shares(Slices(std::vector<int64_t>(6, 0)), 3), (std::vector<size_t>{2, 2, 2}));
}

TEST(WriterShareTest, ALargeSliceCountsForItsBytes) {
  EXPECT_EQ(Shares(Slices({1000, 10, 10, 10, 970}), 2), (std::vector<size_t>{1, 4}));
}

TEST(WriterShareTest, SomeHaveNothingWhereSlicesAreFew) {
  const std::vector<size_t> counts = Shares(Slices({5, 5}), 7);
  EXPECT_EQ(counts.size(), 7);
  EXPECT_EQ(Shares(Slices({}), 3), (std::vector<size_t>{0, 0, 0}));
}

TEST(WriterShareTest, VeryLargeSlicesDoNotOverflow) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Shares(Slices({most, most, most}), 3), (std::vector<size_t>{1, 1, 1}));
}

}  // namespace
}  // namespace cairn::cli
