#include "storage/restore_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(CutSamplerTest, OneLargeRowIsCutAtWholePieces) {
  CutSampler sampler;
  sampler.Add("w", 8 * kPieceBytes);
  EXPECT_EQ(sampler.total_bytes(), 8 * kPieceBytes);
  EXPECT_THAT(sampler.Cuts(4), ElementsAre(StreamPosition{"w", 2 * kPieceBytes},
                                           StreamPosition{"w", 4 * kPieceBytes},
                                           StreamPosition{"w", 6 * kPieceBytes}));
  EXPECT_THAT(sampler.Cuts(1), IsEmpty());
  EXPECT_THAT(sampler.Cuts(64), SizeIs(7));
}

TEST(CutSamplerTest, LittleIsNotCut) {
  CutSampler sampler;
  EXPECT_THAT(sampler.Cuts(8), IsEmpty());
  for (int i = 0; i < 100; ++i) sampler.Add("small", 1000);
  sampler.Add("empty", 0);
  EXPECT_THAT(sampler.Cuts(8), IsEmpty());
}

TEST(CutSamplerTest, HoweverMuchThereIsTheStretchesAreAboutEqual) {
  CutSampler sampler;
  constexpr int kRows = 30000;
  for (int i = 0; i < kRows; ++i) {
    std::string key = std::to_string(100000 + i);
    sampler.Add(key, i % 3 == 0 ? 7 * kPieceBytes : 1000);
  }
  const std::vector<StreamPosition> cuts = sampler.Cuts(8);
  ASSERT_THAT(cuts, SizeIs(7));
  for (int i = 0; i < 7; ++i) {
    const double row = std::stod(cuts[static_cast<size_t>(i)].row_key) - 100000;
    EXPECT_NEAR(row / kRows, (i + 1) / 8.0, 0.01);
    EXPECT_EQ(cuts[static_cast<size_t>(i)].sent % kPieceBytes, 0);
  }
}

}  // namespace
}  // namespace cairn::storage
