#include "storage/record_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "cairn/storage/v1/records.pb.h"
#include "storage/directory_keys.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RecordRowsTest : public ::testing::Test {
 protected:
  void Put(const std::string& key, const std::string& value) {
    Batch batch{.partition = partition_};
    batch.Put(key, value);
    ASSERT_OK(table_.Write(batch));
  }

  std::vector<uint64_t> Descending(std::optional<uint64_t> below, int max_rows) {
    absl::StatusOr<std::vector<Row>> rows =
        ScanDescending(&table_, partition_, kNumberPrefix, below, max_rows);
    EXPECT_OK(rows);
    std::vector<uint64_t> numbers;
    for (const Row& row : *rows) numbers.push_back(BigEndianSuffix(row.key));
    return numbers;
  }

  MemoryTable table_;
  SeededRandom random_{1};
  const Partition partition_ = Partition::Directory(random_.NextUid());
};

TEST_F(RecordRowsTest, ADamagedRecordIsDataLossAndNamesTheRow) {
  Put(kHeadKey, "\xff\xff\xff");
  EXPECT_THAT(ReadRecord<v1::DirectoryHead>(&table_, partition_, kHeadKey),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("head")));
  EXPECT_THAT(ReadUid(&table_, partition_, kHeadKey), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RecordRowsTest, VisitGoesOnOverPagesUntilToldToStop) {
  for (int i = 0; i < 2500; ++i) Put(NumberKey(i), "x");
  int visited = 0;
  EXPECT_OK(
      VisitRows(&table_, partition_, kNumberPrefix, PrefixEnd(kNumberPrefix), [&](const Row&) {
        ++visited;
        return true;
      }));
  EXPECT_EQ(visited, 2500);
  EXPECT_OK(VisitRows(&table_, partition_, kNumberPrefix, PrefixEnd(kNumberPrefix),
                      [&](const Row& row) { return row.key != NumberKey(7); }));
}

TEST_F(RecordRowsTest, DescendingReadsFromTheEnd) {
  EXPECT_THAT(Descending(std::nullopt, 5), ElementsAre());
  for (const int64_t number : {int64_t{0}, int64_t{1}, int64_t{700}, int64_t{1} << 40, INT64_MAX}) {
    Put(NumberKey(number), "x");
  }
  Put(OrderKey(3), "x");
  EXPECT_THAT(Descending(std::nullopt, 2), ElementsAre(INT64_MAX, int64_t{1} << 40));
  EXPECT_THAT(Descending(INT64_MAX, 9), ElementsAre(int64_t{1} << 40, 700, 1, 0));
  EXPECT_THAT(Descending(700, 1), ElementsAre(1));
  EXPECT_THAT(Descending(0, 1), ElementsAre());
}

TEST_F(RecordRowsTest, DescendingAgreesWithASortedSet) {
  std::set<uint64_t, std::greater<>> numbers;
  for (int i = 0; i < 1500; ++i) {
    const uint64_t number = random_.Next() % (i % 2 ? 2000 : 1000000);
    numbers.insert(number);
    Put(NumberKey(static_cast<int64_t>(number)), "x");
  }
  std::vector<uint64_t> found;
  std::optional<uint64_t> below;
  for (std::vector<uint64_t> page; !(page = Descending(below, 97)).empty(); below = page.back()) {
    found.insert(found.end(), page.begin(), page.end());
  }
  EXPECT_EQ(found, std::vector<uint64_t>(numbers.begin(), numbers.end()));
}

TEST_F(RecordRowsTest, AttemptsEnd) {
  Put("a", "1");
  Batch batch{.partition = partition_};
  batch.RequireAbsent("a").Put("b", "1");
  Attempts attempts("saving");
  int count = 0;
  while (attempts.Next()) {
    ++count;
    EXPECT_THAT(attempts.Write(&table_, batch), IsOkAndHolds(false));
  }
  EXPECT_EQ(count, kMaxAttempts);
  EXPECT_FALSE(attempts.maybe_applied());
  EXPECT_THAT(attempts.Exhausted(), StatusIs(absl::StatusCode::kAborted, HasSubstr("saving")));
}

// As an engine whose log fails: it never writes again, and the next start may find the batch.
class FailedLogTable : public MemoryTable {
 protected:
  absl::StatusOr<WriteResult> DoWrite(const Batch& /*batch*/) override {
    const bool first = !std::exchange(failed_, true);
    return first ? MakeError(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN, absl::StatusCode::kAborted,
                             "the log failed")
                 : MakeError(ErrorReason::ERROR_REASON_STORE_READ_ONLY,
                             absl::StatusCode::kFailedPrecondition, "the log failed before");
  }

 private:
  bool failed_ = false;
};

TEST(AttemptsTest, AnUnknownOutcomeDoesNotBecomeARefusalInAStoreThatItTurnedReadOnly) {
  FailedLogTable table;
  Batch batch{.partition = Partition::Catalog(1)};
  batch.Put("a", "1");
  Attempts attempts("saving");
  EXPECT_THAT(attempts.Write(&table, batch), IsOkAndHolds(false));
  EXPECT_THAT(attempts.Write(&table, batch), HasReason(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN));
  Attempts others("saving");
  EXPECT_THAT(others.Write(&table, batch), HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
}

}  // namespace
}  // namespace cairn::storage
