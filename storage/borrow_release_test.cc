#include "storage/borrow_release.h"

#include <string>
#include <utility>

#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOther[] = "runs/b";

class BorrowReleaseTest : public SharingTest {
 protected:
  void SetUp() override {
    ASSERT_OK(catalog_.Create(kOther, {}));
    saves_.BorrowAll(UidOf(source_), kOther);
    segment_ = SegmentsOfStore().at(0);
    ASSERT_OK_AND_ASSIGN(window_, ReadSegmentWindow(&table_, {UidOf(source_)}, std::nullopt));
  }

  Uid Destination() { return saves_.DirectoryOf(kOther); }

  absl::StatusOr<ReleasedBorrows> Release() {
    return ReleaseBorrows(
        &table_, &clock_, [this](const Uid& manifest) { return restores_.Holds(manifest); },
        Destination(), window_);
  }

  std::optional<v1::BorrowRecord> Row() {
    const auto row = ReadRecord<v1::BorrowRecord>(&memory_table_, Partition::Directory(owner_),
                                                  BorrowKey(segment_, Destination()));
    EXPECT_OK(row);
    if (!row.ok() || !row->has_value()) return std::nullopt;
    return (*row)->record;
  }

  // All that borrows keep of the segment.
  std::vector<uint32_t> Kept() {
    ChunkSet chunks;
    EXPECT_OK(VisitBorrows(&table_, owner_, {segment_, segment_}, [&](const Borrow& borrow) {
      EXPECT_EQ(borrow.segment, segment_);
      EXPECT_EQ(borrow.destination, Destination());
      chunks.Add(borrow.chunks);
      return true;
    }));
    return chunks.Numbers();
  }

  const CheckpointRecord source_ = saves_.Save(kRuns, Keys(2));
  const Uid owner_ = saves_.DirectoryOf(kRuns);
  Uid segment_;
  SegmentWindow window_;
};

TEST_F(BorrowReleaseTest, WhatNobodyListsIsReleased) {
  EXPECT_THAT(Kept(), ElementsAre(1, 2));
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.released, ElementsAre(segment_));
  EXPECT_THAT(borrows.waiting, IsEmpty());
  EXPECT_FALSE(Row().has_value());
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows again, Release());
  EXPECT_THAT(again.released, ElementsAre(segment_));
}

TEST_F(BorrowReleaseTest, WhatACheckpointListsIsLeftAlone) {
  saves_.Copy(source_, kOther, Keys(2));
  const v1::BorrowRecord before = *Row();
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.released, IsEmpty());
  EXPECT_THAT(borrows.waiting, IsEmpty());
  EXPECT_EQ(Row()->SerializeAsString(), before.SerializeAsString());
}

TEST_F(BorrowReleaseTest, ChunksThatNoCheckpointUsesAnyMoreAreReleasedOneByOne) {
  saves_.Copy(source_, kOther, Keys(1));
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.released, ElementsAre(segment_));
  EXPECT_THAT(Kept(), ElementsAre(1));
  EXPECT_EQ(Row()->releasing_time(), 0);
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows again, Release());
  EXPECT_THAT(again.released, IsEmpty());
}

TEST_F(BorrowReleaseTest, AnOlderSessionThatMayNeedSomeOfTheChunksIsWaitedFor) {
  saves_.Copy(source_, kOther, Keys(1));
  saves_.Open(kOther, "older");
  ASSERT_OK_AND_ASSIGN(ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.waiting, ElementsAre(segment_));
  EXPECT_THAT(Kept(), ElementsAre(1, 2));
  ASSERT_OK(sessions_.Abort(kOther, "older", ""));
  ASSERT_OK_AND_ASSIGN(borrows, Release());
  EXPECT_THAT(Kept(), ElementsAre(1));
}

TEST_F(BorrowReleaseTest, AnOlderSessionIsWaitedForAndAYoungerOneIsNot) {
  saves_.Open(kOther, "older");
  ASSERT_OK_AND_ASSIGN(ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.waiting, ElementsAre(segment_));
  EXPECT_THAT(Row()->chunks(), IsEmpty());
  EXPECT_THAT(Kept(), ElementsAre(1, 2));
  clock_.Advance(kBorrowClockMargin + absl::Seconds(1));
  saves_.Open(kOther, "younger");
  ASSERT_OK_AND_ASSIGN(borrows, Release());
  EXPECT_THAT(borrows.waiting, ElementsAre(segment_));
  ASSERT_OK(sessions_.Abort(kOther, "older", ""));
  ASSERT_OK_AND_ASSIGN(borrows, Release());
  EXPECT_THAT(borrows.released, ElementsAre(segment_));
  EXPECT_FALSE(Row().has_value());
}

TEST_F(BorrowReleaseTest, AYoungerSessionThatPutsTheChunksBackIsWaitedFor) {
  saves_.Open(kOther, "older");
  ASSERT_OK(Release());
  clock_.Advance(kBorrowClockMargin + absl::Seconds(1));
  saves_.Open(kOther, "younger");
  // As a copy does that finds no chunk in `chunks`.
  v1::BorrowRecord record = *Row();
  record.set_chunks("\x02");
  Batch batch{.partition = Partition::Directory(owner_)};
  ASSERT_OK(
      table_.Write(batch.Put(BorrowKey(segment_, Destination()), record.SerializeAsString())));
  ASSERT_OK(sessions_.Abort(kOther, "older", ""));
  ASSERT_OK_AND_ASSIGN(const ReleasedBorrows borrows, Release());
  EXPECT_THAT(borrows.waiting, ElementsAre(segment_));
  EXPECT_THAT(Kept(), ElementsAre(1, 2));
}

TEST_F(BorrowReleaseTest, AMarkIsTakenBackWhenTheSegmentIsListedAfterAll) {
  const Uid manifest = saves_.Open(kOther, "copy");
  ASSERT_OK(Release());
  EXPECT_NE(Row()->releasing_time(), 0);
  saves_.Reuse(UidOf(source_), manifest, Keys(2));
  ASSERT_OK(Release());
  EXPECT_EQ(Row()->releasing_time(), 0);
  EXPECT_EQ(Row()->chunks(), "\x06");
}

TEST_F(BorrowReleaseTest, ACopyBetweenTheTwoReadingsOfTheRootsKeepsItsBorrow) {
  bool acted = false;
  faults_.SetHook([&](Operation operation) {
    if (operation == Operation::kWrite && !std::exchange(acted, true)) {
      saves_.Copy(source_, kOther, Keys(2));
    }
  });
  ASSERT_OK_AND_ASSIGN(ReleasedBorrows borrows, Release());
  faults_.SetHook(nullptr);
  EXPECT_TRUE(acted);
  EXPECT_THAT(borrows.released, IsEmpty());
  EXPECT_THAT(Kept(), ElementsAre(1, 2));
  EXPECT_EQ(Row()->releasing_time(), 0);
}

}  // namespace
}  // namespace cairn::storage
