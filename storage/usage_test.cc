#include "storage/usage.h"

#include <string>

#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

constexpr char kOther[] = "runs/b";

class UsageTest : public SharingTest {
 protected:
  Usage Of(const CheckpointRecord& checkpoint, absl::string_view path = kRuns) {
    return Expect(meter_.OfCheckpoint(path, absl::StrCat(checkpoint.number())));
  }
  Usage OfDirectory(absl::string_view path = kRuns) { return Expect(meter_.OfDirectory(path)); }

  // All segments have chunks of one size, so that nothing is lost in prorating but bytes of
  // headers.
  static void ExpectUsage(const Usage& usage, int logical, int stored, int shared) {
    const auto chunks = [](int64_t bytes) { return bytes / kTensorBytes; };
    EXPECT_EQ(usage.logical_bytes, logical * kTensorBytes);
    EXPECT_EQ(chunks(usage.stored_bytes), stored);
    EXPECT_EQ(chunks(usage.shared_bytes), shared);
    EXPECT_EQ(usage.freed_by_delete_bytes, usage.stored_bytes - usage.shared_bytes);
  }

  static Usage Expect(const absl::StatusOr<Usage>& usage) {
    EXPECT_OK(usage);
    return usage.value_or(Usage());
  }

  const UsageMeter meter_{&table_, &catalog_, &checkpoints_};
};

TEST_F(UsageTest, WhatDeletingFreesIsWhatTheCollectorThenFrees) {
  const CheckpointRecord kept = saves_.Save(kRuns, Keys(3));
  const CheckpointRecord deleted = saves_.Save(kRuns, Keys(5));
  const Usage usage = Of(deleted);
  ExpectUsage(usage, 5, 5, 0);
  ExpectUsage(OfDirectory(), 8, 8, 0);
  Delete(kRuns, deleted);
  EXPECT_EQ(Collect().freed_bytes, usage.freed_by_delete_bytes);
  ExpectUsage(OfDirectory(), 3, 3, 0);
  EXPECT_EQ(OfDirectory().stored_bytes, Of(kept).stored_bytes);
  EXPECT_EQ(OfDirectory().stored_bytes, SegmentBytes());
}

TEST_F(UsageTest, BytesInRowsAreCounted) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord small, Save());  // 10 bytes
  EXPECT_EQ(small.inline_bytes(), 10);
  const Usage usage = Of(small);
  EXPECT_EQ(usage.logical_bytes, 10);
  EXPECT_EQ(usage.stored_bytes, 10);
  EXPECT_EQ(usage.shared_bytes, 0);
  EXPECT_EQ(usage.freed_by_delete_bytes, 10);
}

TEST_F(UsageTest, RecordsThatDoNotTellTheirInlineBytesAreReadThroughTheirRows) {
  CheckpointRecord old = saves_.Save(kRuns, Keys(3));
  const int64_t stored = Of(old).stored_bytes;
  old.clear_inline_bytes();
  old.set_stored_bytes(stored + 7);
  Batch batch{.partition = Partition::Directory(saves_.DirectoryOf(kRuns))};
  ASSERT_OK(table_.Write(batch.Put(CheckpointKey(UidOf(old)), old.SerializeAsString())));
  EXPECT_EQ(Of(old).stored_bytes, stored + 7);
  EXPECT_EQ(OfDirectory().stored_bytes, stored + 7);
}

TEST_F(UsageTest, CheckpointsOfADirectoryShareAndItCountsEachChunkOnce) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(10));
  const CheckpointRecord next = saves_.SaveIncrementally(kRuns, base, Keys(8), Keys(2, 8));
  const CheckpointRecord last = saves_.SaveIncrementally(kRuns, base, Keys(1), Keys(9, 1));
  ExpectUsage(Of(base), 10, 10, 8);
  ExpectUsage(Of(next), 10, 10, 8);
  ExpectUsage(Of(last), 10, 10, 1);
  ExpectUsage(OfDirectory(), 30, 10 + 2 + 9, 0);
  EXPECT_EQ(OfDirectory().stored_bytes, SegmentBytes());
  Delete(kRuns, base);
  ExpectUsage(Of(next), 10, 10, 1);
}

TEST_F(UsageTest, AnOpenSessionShares) {
  const CheckpointRecord base = saves_.Save(kRuns, Keys(10));
  saves_.Reuse(UidOf(base), saves_.Open(kRuns, "open", UidOf(base)), Keys(4));
  ExpectUsage(Of(base), 10, 10, 4);
  ExpectUsage(OfDirectory(), 10, 10, 0);  // deleting the directory ends the session
}

TEST_F(UsageTest, BorrowersShareWithTheOwner) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(10));
  const CheckpointRecord copy = saves_.Copy(source, kOther, Keys(4));
  // The whole segment is borrowed.
  ExpectUsage(Of(source), 10, 10, 10);
  ExpectUsage(OfDirectory(), 10, 10, 10);
  ExpectUsage(Of(copy, kOther), 4, 4, 4);
  ExpectUsage(OfDirectory(kOther), 4, 4, 4);
  Delete(kRuns, source);
  ExpectUsage(Of(copy, kOther), 4, 4, 0);
  ExpectUsage(OfDirectory(kOther), 4, 4, 0);
  ExpectUsage(OfDirectory(), 0, 0, 0);
}

TEST_F(UsageTest, TwoBorrowersShare) {
  const CheckpointRecord source = saves_.Save(kRuns, Keys(3));
  const CheckpointRecord copy = saves_.Copy(source, kOther, Keys(3));
  saves_.Copy(source, "runs/c", Keys(3));
  ASSERT_OK(catalog_.Delete(kRuns, /*force=*/true, std::nullopt, ""));
  ExpectUsage(Of(copy, kOther), 3, 3, 3);
  ASSERT_OK(catalog_.Delete("runs/c", /*force=*/true, std::nullopt, ""));
  Collect();
  ExpectUsage(Of(copy, kOther), 3, 3, 0);
}

TEST_F(UsageTest, WhatIsNotThereIsNotFound) {
  EXPECT_THAT(meter_.OfDirectory(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  saves_.Save(kRuns, Keys(1));
  EXPECT_THAT(meter_.OfCheckpoint(kRuns, "2"),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  ExpectUsage(Expect(meter_.OfCheckpoint(kRuns, "latest")), 1, 1, 0);
}

}  // namespace
}  // namespace cairn::storage
