#include "storage/row_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RowScannerTest : public ::testing::Test {
 protected:
  void Put(std::string key, std::string value = "v") {
    Batch batch{.partition = Partition::Manifest(manifest_)};
    batch.Put(std::move(key), std::move(value));
    ASSERT_OK(table_.Write(batch));
  }

  std::vector<std::string> Keys(std::vector<KeyRange> ranges) {
    RowScanner scanner(&table_, manifest_, std::move(ranges));
    std::vector<std::string> keys;
    while (true) {
      const absl::StatusOr<const Row*> row = scanner.Next();
      EXPECT_OK(row);
      if (!row.ok() || *row == nullptr) break;
      keys.push_back((*row)->key);
    }
    EXPECT_EQ(*scanner.Next(), nullptr);
    return keys;
  }

  const Uid manifest_ = *Uid::FromBytes(std::string(Uid::kBytes, 'm'));
  MemoryTable table_;
};

TEST_F(RowScannerTest, RangesAreReadOneAfterTheOther) {
  for (const char* key : {"a", "b", "c", "d", "e"}) Put(key);
  EXPECT_THAT(Keys({{"a", "b"}, {"bb", "c"}, {"c", "e"}}), ElementsAre("a", "c", "d"));
  EXPECT_THAT(Keys({{"", ""}}), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Keys({{"x", "y"}}), IsEmpty());
  EXPECT_THAT(Keys({}), IsEmpty());
}

TEST_F(RowScannerTest, NoRowIsLostOrDoubledBetweenPages) {
  for (int i = 0; i < 3000; ++i)
    Put(absl::StrCat("k", 10000 + i), std::string(i % 7 * 500 + 1, 'v'));
  const std::vector<std::string> keys = Keys({{"k", "l"}});
  ASSERT_THAT(keys, SizeIs(3000));
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(keys[i], absl::StrCat("k", 10000 + i));
}

TEST_F(RowScannerTest, RangesAreAskedForOneByOne) {
  for (const char* key : {"a", "b", "c"}) Put(key);
  int asked = 0;
  RowScanner scanner(&table_, manifest_, [&asked]() -> std::optional<KeyRange> {
    const char* const keys[] = {"a", "aa", "c"};
    if (asked == 3) return std::nullopt;
    const std::string key = keys[asked++];
    return KeyRange{key, key + '\0'};
  });
  ASSERT_OK_AND_ASSIGN(const Row* first, scanner.Next());
  EXPECT_EQ(first->key, "a");
  EXPECT_EQ(asked, 1);
  ASSERT_OK_AND_ASSIGN(const Row* second, scanner.Next());
  EXPECT_EQ(second->key, "c");
  EXPECT_THAT(scanner.Next(), IsOkAndHolds(nullptr));
  EXPECT_THAT(scanner.Next(), IsOkAndHolds(nullptr));
}

TEST_F(RowScannerTest, APartitionWithoutRowsIsEmpty) { EXPECT_THAT(Keys({{"", ""}}), IsEmpty()); }

}  // namespace
}  // namespace cairn::storage
