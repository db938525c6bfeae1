#include "storage/checkpoints.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckpointsTest : public StorageTest {
 protected:
  // The numbers of all pages of a list.
  std::vector<int64_t> Numbers(CheckpointOrder order, int page_size) {
    std::vector<int64_t> numbers;
    std::string after;
    do {
      absl::StatusOr<ListPage<CheckpointRecord>> page =
          checkpoints_.List(kRuns, order, after, page_size);
      EXPECT_OK(page);
      EXPECT_LE(page->items.size(), page_size);
      for (const CheckpointRecord& item : page->items) numbers.push_back(item.number());
      after = page->next;
    } while (!after.empty());
    return numbers;
  }

  int64_t Latest() {
    absl::StatusOr<CheckpointRecord> latest = checkpoints_.Get(kRuns, "latest");
    return latest.ok() ? latest->number() : -1;
  }

  static std::string UidReference(const CheckpointRecord& checkpoint) {
    return absl::StrCat("uid:", Uid::FromBytes(checkpoint.uid())->ToHex());
  }
};

TEST_F(CheckpointsTest, EveryReferenceLeadsToTheCheckpoint) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Save(Numbered(12)));
  Tag(saved, "prod");
  for (const std::string& reference : {std::string(), std::string("latest"), std::string("12"),
                                       std::string("prod"), UidReference(saved)}) {
    ASSERT_OK_AND_ASSIGN(const CheckpointRecord found, checkpoints_.Get(kRuns, reference));
    EXPECT_EQ(found.uid(), saved.uid());
  }
}

TEST_F(CheckpointsTest, WhatIsNotThereIsSaid) {
  EXPECT_THAT(checkpoints_.Get(kRuns, "1"),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  ASSERT_OK(catalog_.Create(kRuns, {}));
  EXPECT_THAT(checkpoints_.Get(kRuns, ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no checkpoint in runs/a yet")));
  EXPECT_THAT(checkpoints_.Get(kRuns, "7"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("runs/a@7")));
  EXPECT_THAT(checkpoints_.Get(kRuns, "prod"),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  EXPECT_THAT(checkpoints_.Get(kRuns, "No!"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(CheckpointsTest, FourOrdersInPages) {
  for (const int64_t number : {5, 900, 3, 0, 70}) ASSERT_OK(Save(Numbered(number)));
  for (const int page_size : {1, 2, 4, 5, 6, 1000}) {
    EXPECT_THAT(Numbers(CheckpointOrder::kCommit, page_size), ElementsAre(5, 900, 3, 0, 70));
    EXPECT_THAT(Numbers(CheckpointOrder::kCommitDescending, page_size),
                ElementsAre(70, 0, 3, 900, 5));
    EXPECT_THAT(Numbers(CheckpointOrder::kNumber, page_size), ElementsAre(0, 3, 5, 70, 900));
    EXPECT_THAT(Numbers(CheckpointOrder::kNumberDescending, page_size),
                ElementsAre(900, 70, 5, 3, 0));
  }
  EXPECT_THAT(checkpoints_.List(kRuns, CheckpointOrder::kCommit, "x", 5),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(checkpoints_.List(kRuns, CheckpointOrder::kNumber, "-1", 5),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(CheckpointsTest, LatestIsTheLastCommittedAndOnlyDeletionMovesItBack) {
  for (const int64_t number : {5, 900, 3}) {
    ASSERT_OK(Save(Numbered(number)));
    EXPECT_EQ(Latest(), number);
  }
  ASSERT_OK(checkpoints_.Delete(kRuns, "900", ""));
  EXPECT_EQ(Latest(), 3);
  ASSERT_OK(checkpoints_.Delete(kRuns, "3", ""));
  EXPECT_EQ(Latest(), 5);
  ASSERT_OK(checkpoints_.Delete(kRuns, "5", ""));
  EXPECT_EQ(Latest(), -1);
  ASSERT_OK_AND_ASSIGN(const Directory directory, catalog_.Find(kRuns));
  EXPECT_EQ(directory.head.record.checkpoint_count(), 0);
  EXPECT_EQ(directory.head.record.change_sequence(), 6);
  EXPECT_FALSE(directory.head.record.has_latest_number());
}

TEST_F(CheckpointsTest, DeletionLeavesOnlyGarbage) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Save());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord deleted,
                       checkpoints_.Delete(kRuns, UidReference(saved), ""));
  EXPECT_EQ(deleted.uid(), saved.uid());
  ASSERT_OK_AND_ASSIGN(const Directory directory, catalog_.Find(kRuns));
  for (const char* prefix : {kCheckpointPrefix, kNumberPrefix, kOrderPrefix, kPromisePrefix}) {
    EXPECT_THAT(RowKeys(directory.partition(), prefix), IsEmpty());
  }
  EXPECT_THAT(RowKeys(directory.partition(), kGarbagePrefix),
              ElementsAre(GarbageKey(*Uid::FromBytes(saved.uid()))));
}

TEST_F(CheckpointsTest, ADeletionNamesWhatItDeletes) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Save());
  for (const char* reference : {"", "latest", "prod"}) {
    EXPECT_THAT(checkpoints_.Delete(kRuns, reference, ""),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  Tag(saved, "prod");
  EXPECT_THAT(checkpoints_.Delete(kRuns, "1", ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("tagged prod")));
  EXPECT_THAT(checkpoints_.Delete(kRuns, "1", ""),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED));
}

TEST_F(CheckpointsTest, ARepeatedDeletionGivesTheSameAnswer) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Save(Numbered(4)));
  ASSERT_OK(checkpoints_.Delete(kRuns, "4", "r"));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord other, Save(Numbered(4)));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord again, checkpoints_.Delete(kRuns, "4", "r"));
  EXPECT_EQ(again.uid(), saved.uid());
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord kept, checkpoints_.Get(kRuns, "4"));
  EXPECT_EQ(kept.uid(), other.uid());
  EXPECT_THAT(checkpoints_.Delete(kRuns, "5", "r"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another request")));
  EXPECT_THAT(checkpoints_.Delete(kRuns, "5", ""),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
}

}  // namespace
}  // namespace cairn::storage
