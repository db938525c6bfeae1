// What every engine's Table must do.
#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "cairn/storage/v1/records.pb.h"
#include "storage/engine/conformance_test.h"

namespace cairn::storage {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class TableTest : public ConformanceTest {
 protected:
  Batch NewBatch() const { return Batch{.partition = partition_}; }

  void PutRows(const std::vector<std::string>& keys) {
    Batch batch = NewBatch();
    for (const std::string& key : keys) batch.Put(key, "value of " + key);
    ASSERT_OK(table().Write(batch));
  }

  // The keys of a range, page by page.
  absl::StatusOr<std::vector<std::string>> Keys(absl::string_view begin, absl::string_view end,
                                                int max_rows = kMaxBatchRows) {
    std::vector<std::string> keys;
    std::string from(begin);
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const Page page, table().Scan(partition_, from, end, max_rows));
      for (const Row& row : page.rows) keys.push_back(row.key);
      if (page.complete) return keys;
      EXPECT_FALSE(page.rows.empty());
      if (page.rows.empty()) return keys;
      from = absl::StrCat(page.rows.back().key, absl::string_view("\0", 1));
    }
  }

  const Partition partition_ = Partition::Directory(random_.NextUid());
};

using Strings = std::vector<std::string>;

TEST_P(TableTest, AnEmptyPartitionHasNothing) {
  EXPECT_THAT(table().Get(partition_, "a"), IsOkAndHolds(std::nullopt));
  ASSERT_OK_AND_ASSIGN(const Page page, table().Scan(partition_, "", ""));
  EXPECT_THAT(page.rows, SizeIs(0));
  EXPECT_TRUE(page.complete);
  EXPECT_OK(table().ErasePartition(partition_));
}

TEST_P(TableTest, RowsAreReadAsTheyWereWritten) {
  const std::string bytes("\0\xff\x01", 3);
  ASSERT_OK(table().Write(NewBatch().Put(bytes, bytes)));
  EXPECT_THAT(table().Get(partition_, bytes), IsOkAndHolds(bytes));
  ASSERT_OK(table().Write(NewBatch().Put(bytes, "other")));
  EXPECT_THAT(table().Get(partition_, bytes), IsOkAndHolds("other"));
  ASSERT_OK(table().Write(NewBatch().Erase(bytes)));
  EXPECT_THAT(table().Get(partition_, bytes), IsOkAndHolds(std::nullopt));
}

TEST_P(TableTest, OfSeveralEditsOfARowTheLastCounts) {
  ASSERT_OK(
      table().Write(NewBatch().Put("a", "1").Erase("a").Put("a", "2").Put("b", "1").Erase("b")));
  EXPECT_THAT(table().Get(partition_, "a"), IsOkAndHolds("2"));
  EXPECT_THAT(table().Get(partition_, "b"), IsOkAndHolds(std::nullopt));
}

TEST_P(TableTest, PartitionsDoNotSeeEachOther) {
  PutRows({"a"});
  // The same bytes in another table, and an id that is the next one.
  std::string next_id = partition_.id;
  ++next_id.back();
  for (const Partition& other : {Partition{Partition::Table::kSlices, partition_.id},
                                 Partition{Partition::Table::kDirectory, next_id}}) {
    EXPECT_THAT(table().Get(other, "a"), IsOkAndHolds(std::nullopt));
    ASSERT_OK(table().Write(Batch{.partition = other}.Put("b", "2")));
  }
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{"a"}));
}

TEST_P(TableTest, ABatchIsAppliedOnlyIfAllConditionsHold) {
  ASSERT_OK(table().Write(NewBatch().Put("a", "1")));
  ASSERT_OK_AND_ASSIGN(WriteResult result, table().Write(NewBatch()
                                                             .RequireEqual("a", "1")
                                                             .RequireAbsent("b")
                                                             .RequireEqual("a", "2")
                                                             .Put("b", "2")
                                                             .Erase("a")));
  EXPECT_FALSE(result.applied());
  EXPECT_EQ(result.failed_condition, 2);
  EXPECT_EQ(result.found, "1");
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{"a"}));

  ASSERT_OK_AND_ASSIGN(result, table().Write(NewBatch().RequireEqual("c", "1").Put("c", "2")));
  EXPECT_EQ(result.failed_condition, 0);
  EXPECT_EQ(result.found, std::nullopt);

  ASSERT_OK_AND_ASSIGN(
      result, table().Write(NewBatch().RequireEqual("a", "1").RequireAbsent("b").Put("b", "2")));
  EXPECT_TRUE(result.applied());
  EXPECT_THAT(Keys("", ""), IsOkAndHolds((Strings{"a", "b"})));
}

TEST_P(TableTest, ARefusedBatchLeavesNoPartitionBehind) {
  ASSERT_OK(table().Write(NewBatch().RequireEqual("a", "1").Put("a", "2")));
  ASSERT_OK(table().Write(NewBatch().Erase("a")));
  EXPECT_THAT(table().Get(partition_, kEndRow), IsOkAndHolds(std::nullopt));
  ASSERT_OK_AND_ASSIGN(const auto partitions,
                       table().ListPartitions(Partition::Table::kDirectory, "", 10));
  EXPECT_THAT(partitions, SizeIs(0));
}

TEST_P(TableTest, OrderIsThatOfUnsignedBytes) {
  const Strings keys = {std::string(1, '\0'),
                        std::string("\0\0", 2),
                        "a",
                        "a\x7f",
                        "a\x80",
                        "aa",
                        "\x7f",
                        "\x80",
                        "\xfe\xff"};
  Strings expected = keys;
  std::sort(expected.begin(), expected.end());
  PutRows({keys.rbegin(), keys.rend()});
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(expected));
}

TEST_P(TableTest, ARangeHasItsBeginAndNotItsEnd) {
  PutRows({"a", "b", "c", "d"});
  EXPECT_THAT(Keys("b", "d"), IsOkAndHolds((Strings{"b", "c"})));
  EXPECT_THAT(Keys("bb", "cc"), IsOkAndHolds(Strings{"c"}));
  EXPECT_THAT(Keys("e", ""), IsOkAndHolds(Strings{}));
  EXPECT_THAT(Keys("d", "b"), IsOkAndHolds(Strings{}));
  EXPECT_THAT(Keys("b", "b"), IsOkAndHolds(Strings{}));
  EXPECT_THAT(Keys(kEndRow, ""), IsOkAndHolds(Strings{}));
  EXPECT_THAT(Keys("", "\xff\xff"), IsOkAndHolds((Strings{"a", "b", "c", "d"})));
}

TEST_P(TableTest, PagesMissNothingAndSayWhenTheyEnd) {
  Strings keys;
  for (int i = 100; i < 130; ++i) keys.push_back(absl::StrCat(i));
  PutRows(keys);
  for (const int rows : {1, 7, 29, 30, 31, 1000, 100000})
    EXPECT_THAT(Keys("", "", rows), IsOkAndHolds(keys)) << rows;
  ASSERT_OK_AND_ASSIGN(const Page exact, table().Scan(partition_, "", "", 30));
  EXPECT_TRUE(exact.complete);
  ASSERT_OK_AND_ASSIGN(const Page short_of_one, table().Scan(partition_, "", "", 29));
  EXPECT_FALSE(short_of_one.complete);
  EXPECT_THAT(table().Scan(partition_, "", "", 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(TableTest, APageHasAboutAMebibyte) {
  Strings keys;
  for (int i = 100; i < 140; ++i) {
    keys.push_back(absl::StrCat(i));
    ASSERT_OK(table().Write(NewBatch().Put(keys.back(), std::string(kMaxValueBytes, 'v'))));
  }
  ASSERT_OK_AND_ASSIGN(const Page page, table().Scan(partition_, "", ""));
  EXPECT_FALSE(page.complete);
  EXPECT_LE(page.rows.size(), kMaxBatchBytes / kMaxValueBytes);
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(keys));
}

TEST_P(TableTest, LimitsHoldBelowAndAt) {
  Batch rows = NewBatch();
  for (int i = 0; i < kMaxBatchRows / 2; ++i)
    rows.RequireAbsent(absl::StrCat(i)).Put(absl::StrCat(i), "v");
  EXPECT_OK(table().Write(rows));
  EXPECT_OK(table().Write(
      NewBatch().Put(std::string(kMaxRowKeyBytes, 'k'), std::string(kMaxValueBytes, 'v'))));
  Batch bytes = NewBatch();
  for (int i = 0; i < 15; ++i) bytes.Put(std::string(1, 'a' + i), std::string(kMaxValueBytes, 'v'));
  bytes.Put("z", std::string(kMaxValueBytes - 16, 'v'));
  ASSERT_EQ(bytes.bytes(), kMaxBatchBytes);
  EXPECT_OK(table().Write(bytes));
}

TEST_P(TableTest, LimitsAreRefusedAbove) {
  const Partition no_id{Partition::Table::kDirectory, "short"};
  Batch rows = NewBatch();
  for (int i = 0; i <= kMaxBatchRows; ++i) rows.Put(absl::StrCat(i), "v");
  Batch bytes = NewBatch();
  for (int i = 0; i < 16; ++i) bytes.Put(std::string(1, 'a' + i), std::string(kMaxValueBytes, 'v'));
  const std::pair<Batch, std::string> kCases[] = {
      {rows, "1001"},
      {bytes, "1048592 bytes"},
      {NewBatch().Put("a", ""), "value has 0 bytes"},
      {NewBatch().Put("a", std::string(kMaxValueBytes + 1, 'v')), "65537"},
      {NewBatch().Put("", "v"), "key has 0 bytes"},
      {NewBatch().Put(std::string(kMaxRowKeyBytes + 1, 'k'), "v"), "8193"},
      {NewBatch().RequireAbsent("").Put("a", "v"), "key has 0 bytes"},
      {NewBatch().Put("\xff\x01", "v"), "after the end row"},
      {NewBatch().Erase(std::string(kEndRow)), "with the whole partition"},
      {Batch{.partition = no_id}.Put("a", "v"), "16 bytes"},
      {Batch{.partition = Partition::Catalog('\x41')}.Put("a", "v"), "up to 64"},
      {Batch{.partition = Partition::Catalog('\xff')}.Put("a", "v"), "up to 64"},
  };
  for (const auto& [batch, message] : kCases) {
    EXPECT_THAT(table().Write(batch),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{}));
  EXPECT_THAT(table().Get(no_id, "a"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(table().Scan(no_id, "", ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(table().ErasePartition(no_id), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(TableTest, TheFirstBatchWritesTheEndRow) {
  PutRows({"a"});
  v1::EndRecord end;
  end.set_version(1);
  EXPECT_THAT(table().Get(partition_, kEndRow), IsOkAndHolds(end.SerializeAsString()));
}

TEST_P(TableTest, AnEndRowOfTheCallersStays) {
  ASSERT_OK(table().Write(NewBatch().Put("a", "1").Put(std::string(kEndRow), "mine")));
  PutRows({"b"});
  EXPECT_THAT(table().Get(partition_, kEndRow), IsOkAndHolds("mine"));
  ASSERT_OK(table().Write(
      NewBatch().RequireEqual(std::string(kEndRow), "mine").Put(std::string(kEndRow), "new")));
  EXPECT_THAT(table().Get(partition_, kEndRow), IsOkAndHolds("new"));
  EXPECT_THAT(Keys("", ""), IsOkAndHolds((Strings{"a", "b"})));
}

TEST_P(TableTest, AScanThatMissesTheEndRowIsDataLoss) {
  PutRows({"a", "b"});
  ASSERT_OK(table().LoseRowForTest(partition_, kEndRow));
  const absl::Status status = Keys("", "").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(partition_.ToString())));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
  EXPECT_THAT(Keys("c", ""), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Keys("a", "b"), IsOkAndHolds(Strings{"a"}));  // saw a later row
}

TEST_P(TableTest, ErasingTakesEveryRowAndThePartition) {
  for (int batch = 0; batch < 3; ++batch) {
    Batch rows = NewBatch();
    for (int i = 0; i < 700; ++i) rows.Put(absl::StrCat(batch, "/", i), "v");
    ASSERT_OK(table().Write(rows));
  }
  const Partition other = Partition::Directory(NewUid());
  ASSERT_OK(table().Write(Batch{.partition = other}.Put("a", "1")));
  ASSERT_OK(table().ErasePartition(partition_));
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{}));
  EXPECT_THAT(table().Get(partition_, kEndRow), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(table().ListPartitions(Partition::Table::kDirectory, "", 10),
              IsOkAndHolds(std::vector{other}));
  PutRows({"again"});
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{"again"}));
}

TEST_P(TableTest, AWitnessChangesNothingForReaders) {
  Batch batch = NewBatch();
  batch.witness = Witness{.sequence = 1, .noun = "runs/a@1", .rows = 3, .rows_xxh3 = 4};
  ASSERT_OK(table().Write(batch.Put("a", "1")));
  ASSERT_OK_AND_ASSIGN(WriteResult result, table().Write(batch.RequireAbsent("a").Put("b", "1")));
  EXPECT_FALSE(result.applied());
  EXPECT_THAT(Keys("", ""), IsOkAndHolds(Strings{"a"}));
  EXPECT_THAT(table().ListPartitions(Partition::Table::kDirectory, "", 10),
              IsOkAndHolds(std::vector{partition_}));
  ASSERT_OK(table().ErasePartition(partition_));
  EXPECT_THAT(table().ListPartitions(Partition::Table::kDirectory, "", 10),
              IsOkAndHolds(std::vector<Partition>{}));
}

TEST_P(TableTest, AWitnessMustFitItsBatch) {
  const Witness good{.sequence = 1, .noun = "runs/a@1"};
  Batch batch = NewBatch().Put("a", "1");
  const auto refused = [&](const Batch& other) {
    return absl::IsInvalidArgument(table().Write(other).status());
  };
  for (const Witness& bad :
       {Witness{.sequence = 0, .noun = "x"}, Witness{.sequence = 1, .noun = ""},
        Witness{.sequence = 1, .noun = "two\nlines"},
        Witness{.sequence = 1, .noun = std::string(kMaxNounBytes + 1, 'x')}}) {
    batch.witness = bad;
    EXPECT_TRUE(refused(batch)) << bad.sequence << " " << bad.noun.size();
  }
  batch.witness = good;
  batch.durability = Durability::kBuffered;
  EXPECT_TRUE(refused(batch));
  batch.durability = Durability::kSynced;
  batch.partition = Partition::Manifest(NewUid());
  EXPECT_TRUE(refused(batch));
  batch.partition = Partition::Directory(Uid());
  EXPECT_TRUE(refused(batch));
  batch.partition = partition_;
  EXPECT_OK(table().Write(batch));
}

TEST_P(TableTest, PartitionsAreListedInPages) {
  std::vector<Partition> expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(Partition::Manifest(NewUid()));
    ASSERT_OK(table().Write(Batch{.partition = expected.back()}.Put("a", "1").Put("b", "2")));
  }
  ASSERT_OK(table().Write(
      Batch{.partition = Partition::Catalog(Partition::kStorePartition)}.Put("a", "1")));
  std::sort(expected.begin(), expected.end());
  std::vector<Partition> found;
  std::string after;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const auto page,
                         table().ListPartitions(Partition::Table::kSlices, after, 3));
    ASSERT_LE(page.size(), 3u);
    if (page.empty()) break;
    found.insert(found.end(), page.begin(), page.end());
    after = found.back().id;
  }
  EXPECT_EQ(found, expected);
  EXPECT_THAT(table().ListPartitions(Partition::Table::kCatalog, "", 10),
              IsOkAndHolds(std::vector{Partition::Catalog(Partition::kStorePartition)}));
}

TEST_P(TableTest, OfConcurrentConditionalWritesOneWins) {
  constexpr int kThreads = 4, kRounds = 50;
  std::vector<std::atomic<int>> winners(kRounds);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        Batch batch{.partition = partition_, .durability = Durability::kBuffered};
        const auto result = table().Write(batch.RequireAbsent(absl::StrCat(round))
                                              .Put(absl::StrCat(round), absl::StrCat(thread)));
        EXPECT_OK(result);
        if (result.ok() && result->applied()) ++winners[round];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : winners) EXPECT_EQ(count, 1);
}

TEST_P(TableTest, APageNeverShowsHalfABatch) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      Batch batch{.partition = partition_, .durability = Durability::kBuffered};
      for (const char* key : {"a", "m", "z"}) batch.Put(key, absl::StrCat(i));
      EXPECT_OK(table().Write(batch));
    }
    done = true;
  });
  while (!done) {
    const auto page = table().Scan(partition_, "", "");
    EXPECT_OK(page);
    if (!page.ok() || page->rows.empty()) continue;
    EXPECT_THAT(page->rows, SizeIs(3));
    for (const Row& row : page->rows) EXPECT_EQ(row.value, page->rows[0].value);
  }
  writer.join();
}

TEST_P(TableTest, APartitionInTheMakingIsNoDataLoss) {
  std::atomic<bool> done = false;
  std::vector<Partition> partitions;
  for (int i = 0; i < 100; ++i) partitions.push_back(Partition::Manifest(NewUid()));
  std::thread writer([&] {
    for (const Partition& partition : partitions) {
      Batch batch{.partition = partition, .durability = Durability::kBuffered};
      EXPECT_OK(table().Write(batch.Put("a", "1")));
    }
    done = true;
  });
  while (!done) {
    for (const Partition& partition : partitions) EXPECT_OK(table().Scan(partition, "b", ""));
  }
  writer.join();
}

INSTANTIATE_TEST_SUITE_P(Engines, TableTest, AllEngines(), EngineName);

}  // namespace
}  // namespace cairn::storage
