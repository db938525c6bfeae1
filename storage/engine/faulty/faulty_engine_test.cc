#include "storage/engine/faulty/faulty_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"
#include "base/uid.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

constexpr auto kUnknown = ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN;

class FaultyEngineTest : public testing::Test {
 protected:
  Batch PutA() const {
    Batch batch{.partition = partition_};
    return batch.Put("a", "1");
  }

  const Partition partition_ = Partition::Catalog(1);
  MemoryTable memory_table_;
  MemorySegmentStore memory_segments_;
  FaultPlan plan_;
  FaultyTable table_{&memory_table_, &plan_};
  FaultySegmentStore segments_{&memory_segments_, &plan_};
  SeededRandom random_{1};
};

TEST_F(FaultyEngineTest, OnlyTheNthFailsAndIsNotDone) {
  plan_.FailNth(Operation::kWrite, 2, Fault::kFail);
  EXPECT_OK(table_.Write(Batch{.partition = Partition::Catalog(2)}.Put("b", "2")));
  EXPECT_THAT(table_.Write(PutA()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(memory_table_.Get(partition_, "a"), IsOkAndHolds(std::nullopt));
  EXPECT_OK(table_.Write(PutA()));
  EXPECT_THAT(memory_table_.Get(partition_, "a"), IsOkAndHolds("1"));
  EXPECT_EQ(plan_.count(Operation::kWrite), 3);
  EXPECT_EQ(plan_.count(Operation::kGet), 0);
}

TEST_F(FaultyEngineTest, AnUnknownOutcomeIsEitherDoneOrNot) {
  plan_.FailNth(Operation::kWrite, 1, Fault::kUnknownDropped);
  EXPECT_THAT(table_.Write(PutA()), HasReason(kUnknown));
  EXPECT_THAT(table_.Get(partition_, "a"), IsOkAndHolds(std::nullopt));
  plan_.FailNth(Operation::kWrite, 1, Fault::kUnknownApplied);
  EXPECT_THAT(table_.Write(PutA()), HasReason(kUnknown));
  EXPECT_THAT(table_.Get(partition_, "a"), IsOkAndHolds("1"));
}

TEST_F(FaultyEngineTest, AFullDiskTakesNothing) {
  plan_.FailNth(Operation::kWrite, 1, Fault::kFull);
  EXPECT_THAT(table_.Write(PutA()), HasReason(ErrorReason::ERROR_REASON_STORAGE_FULL));
  EXPECT_THAT(table_.Get(partition_, "a"), IsOkAndHolds(std::nullopt));
}

TEST_F(FaultyEngineTest, FailsUntilCleared) {
  plan_.FailAll(Operation::kScan, Fault::kFail);
  EXPECT_THAT(table_.Scan(partition_, "", ""), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(table_.Scan(partition_, "", ""), StatusIs(absl::StatusCode::kUnavailable));
  plan_.Clear();
  EXPECT_OK(table_.Scan(partition_, "", ""));
}

TEST_F(FaultyEngineTest, ASegmentWhoseFinishIsUnknownMayBeThere) {
  for (const Fault fault : {Fault::kUnknownApplied, Fault::kUnknownDropped, Fault::kFail}) {
    const Uid uid = random_.NextUid();
    ASSERT_OK_AND_ASSIGN(const auto writer, segments_.NewWriter(uid, "header"));
    EXPECT_OK(writer->Append("chunk"));
    plan_.FailNth(Operation::kFinish, 1, fault);
    EXPECT_FALSE(writer->Finish().ok());
    EXPECT_EQ(segments_.Read({uid, 1, 0, 5}, true).ok(), fault == Fault::kUnknownApplied);
  }
}

TEST_F(FaultyEngineTest, AWriterThatFailedStaysFailed) {
  ASSERT_OK_AND_ASSIGN(const auto writer, segments_.NewWriter(random_.NextUid(), "header"));
  EXPECT_OK(writer->Append("chunk"));
  plan_.FailNth(Operation::kAppend, 1, Fault::kFail);
  EXPECT_THAT(writer->Append("chunk"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(writer->Append("chunk"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(FaultyEngineTest, TheHookActsBetweenTwoOperations) {
  bool between = false;
  plan_.SetHook([&](Operation operation) {
    if (operation != Operation::kWrite || between) return;
    between = true;
    EXPECT_OK(memory_table_.Write(PutA()));
  });
  Batch batch{.partition = partition_};
  ASSERT_OK_AND_ASSIGN(const WriteResult result,
                       table_.Write(batch.RequireAbsent("a").Put("a", "2")));
  EXPECT_EQ(result.found, "1");
}

}  // namespace
}  // namespace cairn::storage
