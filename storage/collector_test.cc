#include "storage/collector.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class CollectorTest : public StorageTest {
 protected:
  // Saves with one segment.
  CheckpointRecord SaveLarge(absl::string_view path = kRuns) {
    absl::StatusOr<CheckpointRecord> saved = Save({}, path, kSegmentElements);
    EXPECT_OK(saved);
    return saved.value_or(CheckpointRecord());
  }

  void ExpectCollects(int64_t manifests, int64_t segments, int64_t sessions) {
    ASSERT_OK_AND_ASSIGN(const CollectResult result, collector_.Run());
    EXPECT_EQ(result.manifests, manifests);
    EXPECT_EQ(result.segments, segments);
    EXPECT_EQ(result.sessions, sessions);
  }

  size_t ManifestCount() { return PartitionCount(Partition::Table::kSlices); }

  Restores restores_{&table_, &segments_, &clock_, &random_};
  Collector collector_{options(), &catalog_, &sessions_, &restores_};
};

TEST_F(CollectorTest, WhatIsLiveStays) {
  SaveLarge();
  ASSERT_OK(sessions_.Create(kRuns, Named("open")));
  ASSERT_OK(Upload("open", "0", "w", kSegmentElements));
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(SegmentCount(), 2);
  EXPECT_EQ(ManifestCount(), 2);
  ASSERT_OK(sessions_.Seal(kRuns, "open", "0", 1));
  EXPECT_OK(sessions_.Commit(kRuns, "open"));
}

TEST_F(CollectorTest, ADeletedCheckpointIsFreedAndNothingElse) {
  SaveLarge();
  SaveLarge();
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  ExpectCollects(1, 1, 0);
  EXPECT_EQ(SegmentCount(), 1);
  EXPECT_EQ(ManifestCount(), 1);
  EXPECT_THAT(RowKeys(catalog_.Find(kRuns)->partition(), kGarbagePrefix), IsEmpty());
  ExpectCollects(0, 0, 0);
}

TEST_F(CollectorTest, ARestoreThatRunsKeepsWhatItReads) {
  const CheckpointRecord saved = SaveLarge();
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, restores_.Open(saved, {}, 1));
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", ""));
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(SegmentCount(), 1);
  ASSERT_OK(restores_.Close(restore.restore));
  ExpectCollects(1, 1, 0);
  EXPECT_EQ(SegmentCount(), 0);
}

TEST_F(CollectorTest, AbortedAndExpiredSessionsAreFreed) {
  for (const char* session : {"aborted", "expired"}) {
    ASSERT_OK(sessions_.Create(kRuns, Named(session)));
    ASSERT_OK(Upload(session, "0", "w", kSegmentElements));
  }
  ASSERT_OK(sessions_.Abort(kRuns, "aborted", ""));
  ExpectCollects(1, 1, 0);
  clock_.Advance(kDefaultSessionTtl);
  ExpectCollects(1, 1, 1);
  EXPECT_EQ(SegmentCount(), 0);
  EXPECT_EQ(ManifestCount(), 0);
  EXPECT_EQ(sessions_.Get(kRuns, "expired")->record.state(), SessionRecord::STATE_EXPIRED);
}

TEST_F(CollectorTest, AnswersAreKeptForADayAndThenForgotten) {
  ASSERT_OK(Save(Named("s")));
  ASSERT_OK(checkpoints_.Delete(kRuns, "1", "request"));
  ExpectCollects(1, 0, 0);
  clock_.Advance(kEndedKept);
  ExpectCollects(0, 0, 0);
  EXPECT_OK(sessions_.Get(kRuns, "s"));
  EXPECT_OK(checkpoints_.Delete(kRuns, "1", "request"));
  clock_.Advance(absl::Seconds(1));
  ExpectCollects(0, 0, 1);
  EXPECT_THAT(sessions_.Get(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND));
  EXPECT_THAT(RowKeys(catalog_.Find(kRuns)->partition()), SizeIs(1));  // the head
}

TEST_F(CollectorTest, ADeletedDirectoryGoesWholly) {
  SaveLarge();
  SaveLarge("runs/b");
  ASSERT_OK(sessions_.Create(kRuns, Named("open")));
  ASSERT_OK(Upload("open", "0", "w", kSegmentElements));
  ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, "r"));
  ExpectCollects(2, 2, 0);
  EXPECT_EQ(SegmentCount(), 1);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 1);
  EXPECT_OK(checkpoints_.Get("runs/b", ""));
  EXPECT_OK(catalog_.Delete(kRuns, true, std::nullopt, "r"));  // its tombstone answers
}

TEST_F(CollectorTest, ADeletedDirectoryWaitsForItsRestores) {
  const CheckpointRecord saved = SaveLarge();
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, restores_.Open(saved, {}, 1));
  ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(SegmentCount(), 1);
  ASSERT_OK(restores_.Close(restore.restore));
  ExpectCollects(1, 1, 0);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 0);
}

TEST_F(CollectorTest, ADeletionCutOffBeforeTheCatalogIsFinished) {
  ASSERT_OK(catalog_.Create(kRuns, {}));
  faults_.FailNth(Operation::kWrite, 2, Fault::kFail);
  EXPECT_THAT(catalog_.Delete(kRuns, false, std::nullopt, "r"),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(catalog_.Find(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 0);
  EXPECT_OK(catalog_.Delete(kRuns, false, std::nullopt, "r"));
}

TEST_F(CollectorTest, ACreationCutOffBeforeTheCatalogIsRemovedLater) {
  faults_.FailNth(Operation::kWrite, 2, Fault::kFail);
  EXPECT_THAT(catalog_.Create(kRuns, {}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 1);
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 1);
  clock_.Advance(kOrphanDirectoryGrace + absl::Seconds(1));
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(PartitionCount(Partition::Table::kDirectory), 0);
}

TEST_F(CollectorTest, OrphansAreFound) {
  SaveLarge();
  const Partition partition = catalog_.Find(kRuns)->partition();
  ASSERT_OK(sessions_.Create(kRuns, Named("lost")));
  ASSERT_OK(Upload("lost", "0", "w", kSegmentElements));
  // As if the session had been collected while its stream was still writing.
  Batch batch{.partition = partition};
  batch.Erase(SessionKey("lost"));
  ASSERT_OK(memory_table_.Write(batch));
  ExpectCollects(1, 1, 0);
  EXPECT_EQ(SegmentCount(), 1);
  EXPECT_EQ(ManifestCount(), 1);
}

TEST_F(CollectorTest, AfterTheFirstRunOrphansAreSearchedForOncePerPeriod) {
  int searches = 0;
  faults_.SetHook([&](Operation operation) { searches += operation == Operation::kWalk; });
  ExpectCollects(0, 0, 0);
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(searches, 1);
  clock_.Advance(kOrphanPeriod);
  ExpectCollects(0, 0, 0);
  EXPECT_EQ(searches, 2);
  faults_.SetHook(nullptr);
}

TEST_F(CollectorTest, ASessionThatOpensMeanwhileIsSpared) {
  SaveLarge();
  // Acts between the first reading of the roots and the search for orphans.
  bool saved = false;
  faults_.SetHook([&](Operation operation) {
    if (operation != Operation::kWalk || std::exchange(saved, true)) return;
    SaveLarge();
    EXPECT_OK(sessions_.Create(kRuns, Named("open")));
    EXPECT_OK(Upload("open", "0", "w", kSegmentElements));
  });
  ExpectCollects(0, 0, 0);
  EXPECT_TRUE(saved);
  faults_.SetHook(nullptr);
  EXPECT_EQ(SegmentCount(), 3);
}

TEST_F(CollectorTest, ACollectionCutOffAnywhereIsFinishedByTheNext) {
  constexpr Operation kOperations[] = {Operation::kGet,   Operation::kScan,   Operation::kList,
                                       Operation::kWrite, Operation::kRemove, Operation::kRetain,
                                       Operation::kWalk};
  for (const Operation operation : kOperations) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
      const CheckpointRecord doomed = SaveLarge();
      ASSERT_OK(checkpoints_.Delete(kRuns, absl::StrCat(doomed.number()), ""));
      faults_.FailNth(operation, nth, Fault::kFail);
      failed = !collector_.Run().ok();
      faults_.Clear();
      EXPECT_OK(collector_.Run());
      EXPECT_EQ(SegmentCount(), 0);
      EXPECT_EQ(ManifestCount(), 0);
      clock_.Advance(kEndedKept + absl::Seconds(1));  // so that ended sessions do not pile up
    }
  }
}

}  // namespace
}  // namespace cairn::storage
