#include "client/save_plan.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

class NoSource : public SliceSource {
 public:
  absl::Status Read(int64_t, absl::Span<char>) const override { return absl::OkStatus(); }
};

class SavePlanTest : public ::testing::Test {
 protected:
  SavePlanTest() {
    limits_.set_part_bytes(1000);
    limits_.set_max_payload_bytes(100);
  }
  void AddSlice(int64_t bytes) {
    SliceToSave& slice = slices_.emplace_back();
    slice.key = "k" + std::to_string(slices_.size());
    slice.dtype = "uint8";
    slice.shape = {bytes};
    slice.box = WholeBox(slice.shape);
    slice.bytes_count = bytes;
    slice.source = &source_;
  }

  v1::ServerInfo limits_;
  NoSource source_;
  std::vector<SliceToSave> slices_;
};

TEST_F(SavePlanTest, CutsSlicesAtMultiplesOfThePartSize) {
  AddSlice(2500);
  ASSERT_OK_AND_ASSIGN(const SavePlan plan, PlanSave(slices_, limits_));
  ASSERT_EQ(plan.parts.size(), 3);
  EXPECT_EQ(plan.parts[1].offset, 1000);
  EXPECT_EQ(plan.parts[2].length, 500);
  EXPECT_EQ(plan.total_bytes, 2500);
}

TEST_F(SavePlanTest, EveryPartIsInOneBatchWhateverTheSizes) {
  for (int64_t bytes : {5, 2500, 0, 100, 101, 40, 40, 40, 1000, 1, 99, 1}) AddSlice(bytes);
  ASSERT_OK_AND_ASSIGN(const SavePlan plan, PlanSave(slices_, limits_));
  std::set<size_t> seen;
  for (const BatchToSave& batch : plan.batches) {
    int64_t bytes = 0;
    for (size_t p = batch.first_part; p < batch.first_part + batch.part_count; ++p) {
      EXPECT_TRUE(seen.insert(p).second) << "part " << p << " is in two batches";
      bytes += plan.parts[p].length;
    }
    EXPECT_EQ(bytes, batch.bytes);
    if (batch.part_count > 1) {
      EXPECT_LE(batch.bytes, 100);
    }
  }
  EXPECT_EQ(seen.size(), plan.parts.size());
}

TEST_F(SavePlanTest, SmallSlicesShareAMessage) {
  for (int i = 0; i < 30; ++i) AddSlice(10);
  ASSERT_OK_AND_ASSIGN(const SavePlan plan, PlanSave(slices_, limits_));
  EXPECT_EQ(plan.batches.size(), 3);
}

TEST_F(SavePlanTest, SlicesWithoutBytesAreSentInMessagesThatEnd) {
  for (int i = 0; i < 20000; ++i) AddSlice(0);
  ASSERT_OK_AND_ASSIGN(const SavePlan plan, PlanSave(slices_, limits_));
  EXPECT_EQ(plan.parts.size(), 20000);
  EXPECT_GT(plan.batches.size(), 1);
}

TEST_F(SavePlanTest, LargePartsComeFirst) {
  for (int64_t bytes : {10, 300, 20, 900, 30}) AddSlice(bytes);
  ASSERT_OK_AND_ASSIGN(const SavePlan plan, PlanSave(slices_, limits_));
  ASSERT_GE(plan.batches.size(), 3);
  EXPECT_EQ(plan.batches[0].bytes, 900);
  EXPECT_EQ(plan.batches[1].bytes, 300);
}

TEST_F(SavePlanTest, ASliceWhoseBytesAreNotAllThereIsRefused) {
  AddSlice(10);
  slices_[0].source = nullptr;
  slices_[0].bytes = "short";
  EXPECT_THAT(PlanSave(slices_, limits_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("k1")));
}

TEST_F(SavePlanTest, ATotalBeyondInt64IsRefused) {
  limits_.set_part_bytes(int64_t{1} << 62);
  AddSlice(int64_t{1} << 62);
  AddSlice(int64_t{1} << 62);
  EXPECT_THAT(PlanSave(slices_, limits_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SavePlanTest, AServerWithoutLimitsIsAnError) {
  AddSlice(10);
  EXPECT_THAT(PlanSave(slices_, v1::ServerInfo()), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace cairn
