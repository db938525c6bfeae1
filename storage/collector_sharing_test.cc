// The collector where manifests share segments.
#include <string>
#include <thread>
#include <utility>

#include "storage/borrow_release.h"
#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kOther[] = "runs/b";

class CollectorSharingTest : public SharingTest {
 protected:
  // The borrows of the directory's segments.
  std::vector<std::string> Borrows(const Uid& owner) {
    return RowKeys(Partition::Directory(owner), kBorrowPrefix);
  }

  size_t DirectoryCount() { return PartitionCount(Partition::Table::kDirectory); }
  size_t ManifestCount() { return PartitionCount(Partition::Table::kSlices); }
};

TEST_F(CollectorSharingTest, WhatAnIncrementalSaveReusesOutlivesItsBase) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(10));
  const CheckpointRecord next = saves_.SaveIncrementally(kRuns, base, Keys(10), {});
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(base));
  Delete(kRuns, base);
  const CollectResult result = Collect();
  EXPECT_EQ(result.manifests, 1);
  EXPECT_EQ(result.segments, 0);
  EXPECT_EQ(result.freed_bytes, 0);
  EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
  EXPECT_EQ(Collect(CollectScope::kEverything).segments, 0);
  EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));

  const int64_t before = SegmentBytes();
  Delete(kRuns, next);
  const CollectResult last = Collect();
  EXPECT_EQ(last.segments, 1);
  EXPECT_EQ(last.freed_bytes, before);
  EXPECT_EQ(SegmentCount(), 0);
}

TEST_F(CollectorSharingTest, ASegmentOfWhichLittleIsUsedShrinks) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(20));
  const CheckpointRecord next =
      saves_.SaveIncrementally(kRuns, base, Keys(5), Keys(15, /*first=*/5));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(next));
  const int64_t before = SegmentBytes();
  Delete(kRuns, base);
  const CollectResult result = Collect();
  EXPECT_EQ(result.segments, 0);
  EXPECT_EQ(result.shrunk_segments, 1);
  EXPECT_EQ(result.freed_bytes, before - SegmentBytes());
  EXPECT_LT(SegmentBytes(), 20 * (kTensorBytes + 100));
  EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
  EXPECT_EQ(Collect().shrunk_segments, 0);
}

TEST_F(CollectorSharingTest, ASegmentOfWhichMostIsUsedStaysWhole) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(20));
  saves_.SaveIncrementally(kRuns, base, Keys(19), Keys(1, /*first=*/19));
  const int64_t before = SegmentBytes();
  Delete(kRuns, base);
  EXPECT_EQ(Collect().shrunk_segments, 0);
  EXPECT_EQ(SegmentBytes(), before);
}

TEST_F(CollectorSharingTest, WithoutRoomToShrinkTheRestIsFreedAndItIsTriedAgain) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(20));
  saves_.SaveIncrementally(kRuns, base, Keys(5), {});
  const CheckpointRecord other = saves_.Save(kRuns, Keys(5));
  Delete(kRuns, base);
  Delete(kRuns, other);
  faults_.FailAll(Operation::kRetain, Fault::kFull);
  CollectResult result = Collect();
  EXPECT_EQ(result.segments, 1);
  EXPECT_EQ(result.manifests, 1);
  EXPECT_EQ(result.shrunk_segments, 0);
  faults_.Clear();
  result = Collect();
  EXPECT_EQ(result.manifests, 1);
  EXPECT_EQ(result.shrunk_segments, 1);
}

TEST_F(CollectorSharingTest, ABaseThatWasDeletedWaitsForItsSession) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(10));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(base));
  const Uid manifest = saves_.Open(kRuns, "open", UidOf(base));
  Delete(kRuns, base);
  EXPECT_EQ(Collect(CollectScope::kEverything).manifests, 0);
  EXPECT_EQ(SegmentCount(), 1);
  saves_.Reuse(UidOf(base), manifest, Keys(10));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord next, saves_.Commit(kRuns, "open", 10));
  EXPECT_EQ(Collect().manifests, 1);
  EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
}

TEST_F(CollectorSharingTest, ABaseIsFreedWhenItsSessionEndsWithoutACheckpoint) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(10));
  saves_.Open(kRuns, "open", UidOf(base));
  Delete(kRuns, base);
  ASSERT_OK(sessions_.Abort(kRuns, "open", ""));
  const CollectResult result = Collect();
  EXPECT_EQ(result.manifests, 2);
  EXPECT_EQ(result.segments, 1);
  EXPECT_EQ(SegmentCount(), 0);
}

// What the collector does next has been decided when the operation comes.
TEST_F(CollectorSharingTest, ASaveBetweenMarkAndDropReusesCommitsAndRestores) {
  const std::pair<Operation, std::vector<std::string>> kDrops[] = {{Operation::kRemove, {}},
                                                                   {Operation::kRetain, Keys(2)}};
  for (const auto& [drop, kept] : kDrops) {
    // Garbage of which the live base uses a part or nothing, and the base itself.
    const CheckpointRecord first = saves_.Save(kRuns, Keys(10));
    const CheckpointRecord base =
        saves_.SaveIncrementally(kRuns, first, kept, Keys(10 - kept.size(), kept.size()));
    ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(base));
    Delete(kRuns, first);
    CheckpointRecord next;
    faults_.SetHook([&, drop = drop](Operation operation) {
      if (operation != drop || next.has_number()) return;
      next = saves_.SaveIncrementally(kRuns, base, Keys(10), {});
      // The base goes too: only the new save keeps the bytes.
      Delete(kRuns, base);
      EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
    });
    const CollectResult result = Collect();
    EXPECT_TRUE(next.has_number());
    EXPECT_EQ(result.segments + result.shrunk_segments, 1);
    faults_.SetHook(nullptr);
    EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
    Collect(CollectScope::kEverything);
    EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
    Delete(kRuns, next);
    Collect();
    EXPECT_EQ(SegmentCount(), 0);
  }
}

// Whatever it has read so far, a checkpoint that moves from row to row is not missed.
TEST_F(CollectorSharingTest, ASaveAtAnyMomentOfACollectionKeepsWhatItReuses) {
  bool acted = true;
  for (int moment = 1; acted; ++moment) {
    const CheckpointRecord garbage = saves_.Save(kRuns, Keys(4));
    const CheckpointRecord base = saves_.SaveIncrementally(kRuns, garbage, Keys(2), Keys(2, 2));
    ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(base));
    Delete(kRuns, garbage);
    acted = false;
    CheckpointRecord next;
    int operations = 0;
    faults_.SetHook([&](Operation) {
      if (++operations != moment) return;
      acted = true;
      next = saves_.SaveIncrementally(kRuns, base, Keys(4), {});
      Delete(kRuns, base);
    });
    Collect();
    faults_.SetHook(nullptr);
    if (acted) {
      EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected)) << moment;
    }
    ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
    Collect();
    ASSERT_EQ(SegmentCount(), 0);
  }
}

TEST_F(CollectorSharingTest, ARestoreOfADeletedCheckpointFinishesBitExact) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(30));
  const CheckpointRecord next = saves_.SaveIncrementally(kRuns, base, Keys(3), Keys(27, 3));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(base));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, restores_.Open(base, {}, 1));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<SliceReader> reader,
                       restores_.NewSliceReader(info.stream_tokens.at(0)));
  ASSERT_OK_AND_ASSIGN(const std::vector<OutgoingPart> first, reader->Next(1 << 20));
  TensorBytes delivered;
  for (const OutgoingPart& part : first) delivered[part.key] += std::string(part.bytes.view());
  Delete(kRuns, base);
  EXPECT_EQ(Collect(CollectScope::kEverything).freed_bytes, 0);
  ASSERT_OK_AND_ASSIGN(const TensorBytes rest, saves_.ReadAll(reader.get()));
  for (const auto& [key, bytes] : rest) delivered[key] += bytes;
  EXPECT_EQ(delivered, expected);
  reader.reset();
  ASSERT_OK(restores_.Close(info.restore));
  EXPECT_EQ(Collect().shrunk_segments, 1);
  EXPECT_OK(saves_.Restore(next));
}

TEST_F(CollectorSharingTest, ACopyAndWhatIsSavedOnItOutliveTheSource) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(10));
  const Uid owner = saves_.DirectoryOf(kRuns);
  const CheckpointRecord copy = saves_.Copy(source, kOther, Keys(10));
  const CheckpointRecord next = saves_.SaveIncrementally(kOther, copy, Keys(10), Keys(2, 10));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(next));
  ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
  Delete(kOther, copy);
  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(Collect(CollectScope::kEverything).segments, 0);
    EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
  }
  EXPECT_EQ(DirectoryCount(), 2);  // the deleted one lives for its borrow
  EXPECT_EQ(ManifestCount(), 1);

  Delete(kOther, next);
  EXPECT_EQ(Collect().segments, 2);
  EXPECT_EQ(SegmentCount(), 0);
  EXPECT_THAT(Borrows(owner), IsEmpty());
  Collect();
  EXPECT_EQ(DirectoryCount(), 1);
}

TEST_F(CollectorSharingTest, TheOwnerKeepsTheBorrowedChunksAndShrinksTheRest) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(20));
  const CheckpointRecord part = saves_.SaveIncrementally(kRuns, source, Keys(4), {});
  const CheckpointRecord copy = saves_.Copy(part, kOther, Keys(4));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(copy));
  Delete(kRuns, source);
  Delete(kRuns, part);
  EXPECT_EQ(Collect().shrunk_segments, 1);
  EXPECT_LT(SegmentBytes(), 5 * kTensorBytes);
  EXPECT_THAT(saves_.Restore(copy), IsOkAndHolds(expected));
}

TEST_F(CollectorSharingTest, TheSourceOutlivesItsCopy) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(10));
  const CheckpointRecord copy = saves_.Copy(source, kOther, Keys(10));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(source));
  ASSERT_OK(catalog_.Delete(kOther, /*force=*/true, std::nullopt, ""));
  EXPECT_EQ(Collect(CollectScope::kEverything).segments, 0);
  EXPECT_THAT(Borrows(saves_.DirectoryOf(kRuns)), IsEmpty());
  EXPECT_EQ(DirectoryCount(), 1);
  EXPECT_THAT(saves_.Restore(source), IsOkAndHolds(expected));
}

TEST_F(CollectorSharingTest, ARestoreOfACopyKeepsItsBorrow) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(10));
  const CheckpointRecord copy = saves_.Copy(source, kOther, Keys(10));
  ASSERT_OK_AND_ASSIGN(const RestoreInfo restore, restores_.Open(copy, {}, 1));
  Delete(kRuns, source);
  ASSERT_OK(catalog_.Delete(kOther, /*force=*/true, std::nullopt, ""));
  EXPECT_EQ(Collect(CollectScope::kEverything).segments, 0);
  EXPECT_THAT(Borrows(saves_.DirectoryOf(kRuns)), SizeIs(1));
  ASSERT_OK(restores_.Close(restore.restore));
  EXPECT_EQ(Collect().segments, 1);
  EXPECT_EQ(SegmentCount(), 0);
}

TEST_F(CollectorSharingTest, ACopyThatWasCutOffLeavesNoBorrow) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(10));
  saves_.Open(kOther, "cut");
  saves_.BorrowAll(UidOf(source), kOther);
  Collect(CollectScope::kEverything);
  EXPECT_THAT(Borrows(saves_.DirectoryOf(kRuns)), SizeIs(1));  // its session is open
  ASSERT_OK(sessions_.Abort(kOther, "cut", ""));
  Collect(CollectScope::kEverything);
  EXPECT_THAT(Borrows(saves_.DirectoryOf(kRuns)), IsEmpty());
  EXPECT_EQ(SegmentCount(), 1);
}

// At whatever moment of two collections it borrows, lists or commits.
TEST_F(CollectorSharingTest, ACopyAtAnyMomentOfACollectionKeepsItsBorrow) {
  bool acted = true;
  for (int moment = 1; acted; ++moment) {
    const CheckpointRecord source = saves_.Save(kRuns, Keys(2));
    ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(source));
    // An earlier copy is garbage: its borrow is about to be released.
    Delete(kOther, saves_.Copy(source, kOther, Keys(2)));
    acted = false;
    CheckpointRecord copy;
    int operations = 0;
    faults_.SetHook([&](Operation) {
      if (++operations != moment) return;
      acted = true;
      copy = saves_.Copy(source, kOther, Keys(2));
      Delete(kRuns, source);
    });
    Collect(CollectScope::kEverything);
    faults_.SetHook(nullptr);
    if (acted) {
      EXPECT_EQ(Collect(CollectScope::kEverything).segments, 0);
      EXPECT_THAT(saves_.Restore(copy), IsOkAndHolds(expected)) << moment;
    }
    for (const char* path : {kRuns, kOther}) {
      ASSERT_OK(catalog_.Delete(path, /*force=*/true, std::nullopt, ""));
    }
    Collect(), Collect();
    ASSERT_EQ(SegmentCount(), 0) << moment;
    ASSERT_EQ(DirectoryCount(), 0) << moment;
  }
}

TEST_F(CollectorSharingTest, ASegmentThatIsYoungerThanTheReadingIsSpared) {
  const CheckpointRecord saved = saves_.Save(kRuns, Keys(10));
  Delete(kRuns, saved);
  clock_.Advance(-absl::Seconds(1));
  EXPECT_EQ(Collect().manifests, 0);
  EXPECT_EQ(SegmentCount(), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Collect().manifests, 1);
  EXPECT_EQ(SegmentCount(), 0);
}

TEST_F(CollectorSharingTest, ACallDuringARunRunsOnceMore) {
  const CheckpointRecord first = saves_.Save(kRuns, Keys(2));
  const CheckpointRecord second = saves_.Save(kRuns, Keys(2));
  Delete(kRuns, first);
  std::thread other;
  CollectResult once_more;
  faults_.SetHook([&](Operation operation) {
    if (operation != Operation::kRemove || other.joinable()) return;
    Delete(kRuns, second);  // this run has read its garbage
    other = std::thread([&] { once_more = Collect(); });
  });
  EXPECT_EQ(Collect().segments, 1);
  ASSERT_TRUE(other.joinable());
  other.join();
  faults_.SetHook(nullptr);
  EXPECT_EQ(once_more.segments, 1);
  EXPECT_EQ(SegmentCount(), 0);
}

TEST_F(CollectorSharingTest, ManySegmentsAreJudgedInWindows) {
  constexpr int kSaves = kWindowSegments + 20;
  std::vector<CheckpointRecord> saved;
  std::vector<std::string> reused;
  const Uid all = saves_.Open(kRuns, "all");
  for (int i = 0; i < kSaves; ++i) {
    const std::string key = absl::StrCat("k", i);
    saved.push_back(saves_.Save(kRuns, {key}));
    if (i % 2 == 0) {
      saves_.Reuse(UidOf(saved.back()), all, {key});
      reused.push_back(key);
    }
  }
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord rest, saves_.Commit(kRuns, "all", reused.size()));
  ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(rest));
  for (const CheckpointRecord& checkpoint : saved) Delete(kRuns, checkpoint);
  const CollectResult result = Collect();
  EXPECT_EQ(result.manifests, kSaves);
  EXPECT_EQ(result.segments, kSaves / 2);
  EXPECT_THAT(saves_.Restore(rest), IsOkAndHolds(expected));
}

TEST_F(CollectorSharingTest, ACollectionCutOffAnywhereIsFinishedByTheNext) {
  constexpr Operation kOperations[] = {Operation::kGet,   Operation::kScan,   Operation::kList,
                                       Operation::kWrite, Operation::kRemove, Operation::kRetain,
                                       Operation::kWalk,  Operation::kRead};
  for (const Operation operation : kOperations) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
      const CheckpointRecord source = saves_.Save(kRuns, Keys(5));
      const CheckpointRecord part = saves_.SaveIncrementally(kRuns, source, Keys(2), {});
      const CheckpointRecord copy = saves_.Copy(part, kOther, Keys(2));
      const CheckpointRecord next = saves_.SaveIncrementally(kOther, copy, Keys(1), Keys(1, 1));
      ASSERT_OK_AND_ASSIGN(const TensorBytes expected, saves_.Restore(next));
      Delete(kOther, copy);
      ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
      faults_.FailNth(operation, nth, Fault::kFail);
      failed = !collector_.Run(CollectScope::kEverything).ok();
      faults_.Clear();
      Collect(CollectScope::kEverything);
      EXPECT_THAT(saves_.Restore(next), IsOkAndHolds(expected));
      EXPECT_LE(SegmentBytes(), 3 * kTensorBytes + 1000);
      ASSERT_OK(catalog_.Delete(kOther, /*force=*/true, std::nullopt, ""));
      Collect(), Collect();
      ASSERT_EQ(SegmentCount(), 0);
      ASSERT_EQ(ManifestCount(), 0);
      ASSERT_EQ(DirectoryCount(), 0);
    }
  }
}

}  // namespace
}  // namespace cairn::storage
