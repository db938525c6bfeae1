#include "storage/session_numbers.h"

#include <limits>
#include <string>

#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SessionNumbersTest : public StorageTest {
 protected:
  // The number that a save gets; -1 when it fails.
  int64_t SavedNumber(const SessionOptions& options = {}) {
    const absl::StatusOr<CheckpointRecord> saved = Save(options);
    return saved.ok() ? saved->number() : -1;
  }

  int64_t OpenedNumber(const SessionOptions& options = {}) {
    const absl::StatusOr<SessionInfo> opened = sessions_.Create(kRuns, options);
    return opened.ok() ? opened->record.number() : -1;
  }

  int64_t SaveCounter() { return catalog_.Find(kRuns)->head.record.save_counter(); }

  SessionRecord::State StateOf(absl::string_view session) {
    return sessions_.Get(kRuns, session)->record.state();
  }
};

TEST_F(SessionNumbersTest, TheFirstNumberIsOneAndEachSaveCounts) {
  for (const int64_t expected : {1, 2, 3}) EXPECT_EQ(SavedNumber(), expected);
}

TEST_F(SessionNumbersTest, ExplicitNumbersCountToo) {
  EXPECT_EQ(SavedNumber(Numbered(1000)), 1000);
  EXPECT_EQ(SaveCounter(), 1);
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_EQ(SavedNumber(Numbered(0)), 0);
  EXPECT_EQ(SavedNumber(), 4);
}

TEST_F(SessionNumbersTest, TheCounterRisesOverNumbersInUse) {
  for (const int64_t number : {3, 4, 5, 7}) ASSERT_EQ(SavedNumber(Numbered(number)), number);
  EXPECT_EQ(SavedNumber(), 6);  // the counter was 4; 5 is in use
  EXPECT_EQ(SavedNumber(), 8);
  EXPECT_EQ(SaveCounter(), 8);
}

TEST_F(SessionNumbersTest, ANumberIsPromisedWhenTheSessionOpens) {
  EXPECT_EQ(OpenedNumber(Numbered(2)), 2);
  EXPECT_EQ(OpenedNumber(), 3);  // the counter was 1, and 2 is promised
  EXPECT_EQ(OpenedNumber(), 4);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(3)),
              HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
}

TEST_F(SessionNumbersTest, AnAbortedSessionLeavesAGap) {
  ASSERT_OK(sessions_.Create(kRuns, Named("a")));
  ASSERT_OK(sessions_.Abort(kRuns, "a", "because"));
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_EQ(SavedNumber(Numbered(1)), 1);  // the promise is gone
}

TEST_F(SessionNumbersTest, AnExpiredSessionFreesItsNumber) {
  ASSERT_OK(sessions_.Create(kRuns, Numbered(9)));
  EXPECT_EQ(SavedNumber(Numbered(9)), -1);
  clock_.Advance(kDefaultSessionTtl);
  EXPECT_EQ(SavedNumber(Numbered(9)), 9);
}

TEST_F(SessionNumbersTest, ANumberInUseIsRefusedAndTheWayOutNamed) {
  ASSERT_EQ(SavedNumber(Numbered(1000)), 1000);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(1000)),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("number 1000 is in use in runs/a"), HasSubstr("--number"),
                             HasSubstr("--replace"))));
  EXPECT_EQ(SaveCounter(), 1);  // a refused session counts for nothing
}

TEST_F(SessionNumbersTest, NumbersReachToTheEnd) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(SavedNumber(Numbered(kMax)), kMax);
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(-1)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-1")));
}

TEST_F(SessionNumbersTest, AReplacementBecomesTheNewestAndTheOldOneGarbage) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  ASSERT_OK(Save(Numbered(8)));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord fresh, Save(Numbered(7, /*replace=*/true)));
  EXPECT_NE(fresh.uid(), old.uid());
  EXPECT_EQ(checkpoints_.Get(kRuns, "7")->uid(), fresh.uid());
  EXPECT_EQ(checkpoints_.Get(kRuns, "latest")->uid(), fresh.uid());
  ASSERT_OK_AND_ASSIGN(const Directory directory, catalog_.Find(kRuns));
  EXPECT_EQ(directory.head.record.checkpoint_count(), 2);
  EXPECT_THAT(RowKeys(directory.partition(), kOrderPrefix), SizeIs(2));
  EXPECT_THAT(RowKeys(directory.partition(), kCheckpointPrefix), SizeIs(2));
  EXPECT_THAT(RowKeys(directory.partition(), kGarbagePrefix),
              ElementsAre(GarbageKey(*Uid::FromBytes(old.uid()))));
}

TEST_F(SessionNumbersTest, UntilItsCommitTheOldOneStays) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  ASSERT_OK(sessions_.Create(kRuns, Numbered(7, /*replace=*/true)));
  EXPECT_EQ(checkpoints_.Get(kRuns, "7")->uid(), old.uid());
}

TEST_F(SessionNumbersTest, TwoMayHoldANumberIfBothReplace) {
  SessionOptions first = Numbered(7, /*replace=*/true);
  first.session = "first";
  SessionOptions second = first;
  second.session = "second";
  ASSERT_OK(sessions_.Create(kRuns, first));
  ASSERT_OK(sessions_.Create(kRuns, second));
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(7)),
              HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
  for (const char* session : {"second", "first"}) {
    ASSERT_OK(sessions_.Seal(kRuns, session, "0", 0));
    ASSERT_OK(sessions_.Commit(kRuns, session));
    EXPECT_EQ(checkpoints_.Get(kRuns, "7")->session(), session);
  }
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.checkpoint_count(), 1);
}

TEST_F(SessionNumbersTest, ATaggedCheckpointIsNotReplaced) {
  ASSERT_OK(sessions_.Create(kRuns, Named("empty")));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  SessionOptions replacing = Numbered(7, /*replace=*/true);
  replacing.session = "s";
  ASSERT_OK(sessions_.Create(kRuns, replacing));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 0));
  Tag(old, "prod");
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(7, true)),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED));
}

}  // namespace
}  // namespace cairn::storage
