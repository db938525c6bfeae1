#include "formats/checkpoint_v1/value_tables.h"

#include <snappy.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/checkpoint_v1/read_window.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Entries = std::vector<std::pair<std::string, std::string>>;

// As TensorFlow's writer makes it.
std::string Table(const std::map<std::string, std::string>& entries) {
  MemoryFileSystem files;
  auto file = files.CreateForWrite("t").value();
  IndexTableWriter writer(file.get());
  for (const auto& [key, value] : entries) writer.Add(key, value);
  CAIRN_CHECK(writer.Finish().ok() && file->Finish().ok());
  return files.files["t"];
}

std::string Entry(uint64_t shared, absl::string_view key, absl::string_view value) {
  std::string entry;
  AppendVarint(shared, &entry);
  AppendVarint(key.size(), &entry);
  AppendVarint(value.size(), &entry);
  return absl::StrCat(entry, key, value);
}

std::string Restarts(uint64_t number) {
  std::string restarts(4, '\0');
  AppendFixed(number, 4, &restarts);
  return restarts;
}

// A table of one data block of these stored bytes.
std::string TableOfBlock(absl::string_view stored, char compression = '\0') {
  std::string file;
  const auto append = [&](absl::string_view bytes, char type) {
    std::string handle;
    AppendVarint(file.size(), &handle);
    AppendVarint(bytes.size(), &handle);
    std::string block(bytes);
    block.push_back(type);
    file.append(block);
    AppendFixed(MaskCrc32c(Crc32c(block)), 4, &file);
    return handle;
  };
  const std::string data = append(stored, compression);
  const std::string metaindex = append(Restarts(1), '\0');
  const std::string index = append(Entry(0, "z", data) + Restarts(1), '\0');
  std::string footer = metaindex + index;
  footer.resize(40);
  AppendFixed(0xdb4775248b80fb57, 8, &footer);
  return file + footer;
}

class ValueTablesTest : public ::testing::Test {
 protected:
  absl::StatusOr<Entries> ReadAll(const std::string& table) {
    files_.files["t"] = table;
    const ValueTables tables(&files_, {"t"});
    Entries entries;
    CAIRN_RETURN_IF_ERROR(
        tables.Visit(0, [&](absl::string_view key, const TableValue& value) -> absl::Status {
          std::string bytes(static_cast<size_t>(value.size), '\0');
          CAIRN_RETURN_IF_ERROR(tables.Read(value, 0, absl::MakeSpan(bytes)));
          entries.emplace_back(key, bytes);
          return absl::OkStatus();
        }));
    return entries;
  }

  void ExpectDamaged(const std::string& table, absl::string_view why) {
    EXPECT_THAT(ReadAll(table),
                AllOf(StatusIs(absl::StatusCode::kDataLoss, HasSubstr(std::string(why))),
                      HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
  }

  MemoryFileSystem files_;
};

TEST_F(ValueTablesTest, FindsWhatTensorFlowsWriterWrote) {
  const std::string large(static_cast<size_t>(3 * ReadWindow::kBytes + 17), 'v');
  EXPECT_THAT(ReadAll(Table({{"", "meta"}, {"a", ""}, {"ab", large}, {"b", "small"}})),
              IsOkAndHolds(Entries{{"", "meta"}, {"a", ""}, {"ab", large}, {"b", "small"}}));
}

TEST_F(ValueTablesTest, ReadsAnyPartOfAValue) {
  files_.files["t"] = Table({{"a", "xxxx"}, {"b", "0123456789"}});
  const ValueTables tables(&files_, {"t"});
  TableValue last;
  ASSERT_OK(tables.Visit(0, [&](absl::string_view, const TableValue& value) {
    last = value;
    return absl::OkStatus();
  }));
  std::string part(3, '\0');
  ASSERT_OK(tables.Read(last, 7, absl::MakeSpan(part)));
  EXPECT_EQ(part, "789");
  ASSERT_OK(tables.Read(last, 10, absl::Span<char>()));
}

TEST_F(ValueTablesTest, CompressedBlocksAreUnpacked) {
  const std::string block = Entry(0, "a", "first") + Entry(1, "b", "second") + Restarts(1);
  std::string packed;
  snappy::Compress(block.data(), block.size(), &packed);
  EXPECT_THAT(ReadAll(TableOfBlock(packed, '\1')),
              IsOkAndHolds(Entries{{"a", "first"}, {"ab", "second"}}));
}

TEST_F(ValueTablesTest, ACompressedBlockThatHasChangedIsDataLoss) {
  std::string packed;
  const std::string block = Entry(0, "a", std::string(100, 'v')) + Restarts(1);
  snappy::Compress(block.data(), block.size(), &packed);
  files_.files["t"] = TableOfBlock(packed, '\1');
  const ValueTables tables(&files_, {"t"});
  ASSERT_OK(tables.Visit(0, [](absl::string_view, const TableValue&) { return absl::OkStatus(); }));
  // Another reader with the place that the first found.
  TableValue value{0, true, {0, packed.size()}, 3, 100};
  files_.files["t"][5] ^= 1;
  const ValueTables again(&files_, {"t"});
  std::string out(100, '\0');
  EXPECT_THAT(again.Read(value, 0, absl::MakeSpan(out)), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ValueTablesTest, ADamagedBlockIsFoundBeforeItsEntriesAreSeen) {
  std::string table = Table({{"a", std::string(2 * ReadWindow::kBytes, 'v')}});
  table[2 * ReadWindow::kBytes] ^= 1;
  files_.files["t"] = table;
  const ValueTables tables(&files_, {"t"});
  EXPECT_THAT(tables.Visit(0,
                           [](absl::string_view, const TableValue&) {
                             ADD_FAILURE() << "an entry of a damaged block";
                             return absl::OkStatus();
                           }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("checksum of the block at 0")));
}

TEST_F(ValueTablesTest, EntriesThatPassTheEndOfTheirBlockAreRefused) {
  ExpectDamaged(TableOfBlock(Entry(1, "a", "v") + Restarts(1)), "passes the end of its block");
  std::string cut = Entry(0, "a", "value");
  cut.resize(cut.size() - 1);
  ExpectDamaged(TableOfBlock(cut + Restarts(1)), "passes the end of its block");
  ExpectDamaged(TableOfBlock("\x80" + Restarts(1)), "passes the end of its block");
  std::string huge;
  for (int i = 0; i < 3; ++i) AppendVarint(UINT64_MAX - 1, &huge);
  ExpectDamaged(TableOfBlock(huge + Restarts(1)), "passes the end of its block");
}

TEST_F(ValueTablesTest, ABlockWithoutItsEndIsRefused) {
  ExpectDamaged(TableOfBlock("abc"), "shorter than its own end");
  ExpectDamaged(TableOfBlock(Entry(0, "a", "v") + Restarts(1000)), "more restarts than bytes");
  ExpectDamaged(TableOfBlock(Entry(0, "a", "v") + Restarts(UINT32_MAX)),
                "more restarts than bytes");
}

TEST_F(ValueTablesTest, KeysOutOfOrderAreRefused) {
  ExpectDamaged(TableOfBlock(Entry(0, "b", "") + Entry(0, "a", "") + Restarts(1)), "not in order");
  ExpectDamaged(TableOfBlock(Entry(0, "a", "") + Entry(0, "a", "") + Restarts(1)), "not in order");
}

TEST_F(ValueTablesTest, KeysLongerThanAnyTensorsAreRefused) {
  ExpectDamaged(TableOfBlock(Entry(0, std::string(20000, 'k'), "") + Restarts(1)),
                "a key has 20000 bytes");
  // By sharing, too.
  const std::string most(16 << 10, 'k');
  ExpectDamaged(TableOfBlock(Entry(0, most, "") + Entry(most.size(), "k", "") + Restarts(1)),
                "a key has 16385 bytes");
}

TEST_F(ValueTablesTest, UnknownCompressionAndForeignFilesAreRefused) {
  ExpectDamaged(TableOfBlock(Entry(0, "a", "") + Restarts(1), '\2'), "unknown compression");
  ExpectDamaged(TableOfBlock("not snappy", '\1'), "compressed block");
  ExpectDamaged("hello", "too few for a table");
  ExpectDamaged(std::string(100, 'x'), "no table, or cut off");
}

TEST_F(ValueTablesTest, AMissingFileIsNotFound) {
  const ValueTables tables(&files_, {"absent"});
  EXPECT_THAT(
      tables.Visit(0, [](absl::string_view, const TableValue&) { return absl::OkStatus(); }),
      StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cairn
