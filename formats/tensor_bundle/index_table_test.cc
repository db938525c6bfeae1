#include "formats/tensor_bundle/index_table.h"

#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <leveldb/table_builder.h>
#include <snappy.h>

#include <map>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;
using Entries = std::map<std::string, std::string>;

constexpr char kPath[] = "t.index";

absl::StatusOr<Entries> Read(const std::string& table) {
  MemoryFileSystem files;
  files.files[kPath] = table;
  const std::unique_ptr<RandomReadFile> file = files.OpenForRead(kPath).value();
  Entries entries;
  absl::Status read = ReadIndexTable(*file, [&](absl::string_view key, absl::string_view value) {
    entries.emplace(key, value);
    return absl::OkStatus();
  });
  if (!read.ok()) return read;
  return entries;
}

std::string Written(const Entries& entries) {
  MemoryFileSystem files;
  const std::unique_ptr<RandomWriteFile> file = files.CreateForWrite(kPath).value();
  IndexTableWriter writer(file.get());
  for (const auto& [key, value] : entries) writer.Add(key, value);
  EXPECT_OK(writer.Finish());
  EXPECT_OK(file->Finish());
  return files.files[kPath];
}

Entries Many(int count) {
  Entries entries = {{"", "header"}};
  for (int i = 0; i < count; ++i) {
    entries[absl::StrCat("model/layer/", i)] = std::string(i % 300, static_cast<char>(i));
  }
  return entries;
}

// LevelDB's own writer and reader, as the other half of a comparison.
class StringSink : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& bytes) override {
    content.append(bytes.data(), bytes.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }
  std::string content;
};

std::string WrittenByLevelDb(const Entries& entries, leveldb::CompressionType compression) {
  StringSink sink;
  leveldb::Options options;
  options.compression = compression;
  leveldb::TableBuilder builder(options, &sink);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  EXPECT_TRUE(builder.Finish().ok());
  return sink.content;
}

class StringSource : public leveldb::RandomAccessFile {
 public:
  explicit StringSource(const std::string& content) : content_(content) {}
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result, char*) const override {
    *result = leveldb::Slice(content_.data() + offset, std::min(n, content_.size() - offset));
    return leveldb::Status::OK();
  }

 private:
  const std::string& content_;
};

Entries ReadByLevelDb(const std::string& table) {
  StringSource source(table);
  leveldb::Table* opened = nullptr;
  EXPECT_TRUE(leveldb::Table::Open(leveldb::Options(), &source, table.size(), &opened).ok());
  const std::unique_ptr<leveldb::Table> owned(opened);
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> it(opened->NewIterator(options));
  Entries entries;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries.emplace(it->key().ToString(), it->value().ToString());
  }
  EXPECT_TRUE(it->status().ok());
  return entries;
}

TEST(IndexTableTest, WhatIsWrittenIsRead) {
  for (const int count : {0, 1, 17, 5000}) {
    const Entries entries = Many(count);
    EXPECT_THAT(Read(Written(entries)), IsOkAndHolds(entries)) << count;
  }
}

TEST(IndexTableTest, LevelDbAgrees) {
  const Entries entries = Many(5000);
  EXPECT_EQ(ReadByLevelDb(Written(entries)), entries);
  EXPECT_THAT(Read(WrittenByLevelDb(entries, leveldb::kNoCompression)), IsOkAndHolds(entries));
  EXPECT_THAT(Read(WrittenByLevelDb(entries, leveldb::kSnappyCompression)), IsOkAndHolds(entries));
}

// The index that TensorFlow writes for w, float32[2], and p, float32[4, 2] in two slices.
constexpr char kGoldenIndex[] =
    "00000608011a020801000a150070000101028082808208011208120208021202080220082810354c"
    "289874060415828280820801120812020802120208022018281035ebd5bc49000122700801120812"
    "020804120208023a080a0210020a0210023a0a0a04080210020a02100200010f7708011204120208"
    "02280835593ce535000000000100000000b36299f9000000000100000000c0f2a1b0000103780088"
    "010000000001000000006ec240b38d01089a010f0000000000000000000000000000000000000000"
    "000000000000000000000000000057fb808b247547db";

TEST(IndexTableTest, TablesAreTensorFlowsByteForByte) {
  const std::string table = absl::HexStringToBytes(kGoldenIndex);
  ASSERT_OK_AND_ASSIGN(const Entries entries, Read(table));
  EXPECT_EQ(entries.size(), 5);
  EXPECT_EQ(absl::BytesToHexString(entries.at("")), "08011a020801");
  EXPECT_EQ(absl::BytesToHexString(entries.at("w")), "0801120412020802280835593ce535");
  EXPECT_EQ(Written(entries), table);
}

TEST(IndexTableTest, VisitorsEndTheReading) {
  MemoryFileSystem files;
  files.files[kPath] = Written(Many(10));
  ASSERT_OK_AND_ASSIGN(const auto file, files.OpenForRead(kPath));
  int visits = 0;
  EXPECT_THAT(ReadIndexTable(*file,
                             [&](absl::string_view, absl::string_view) {
                               return ++visits == 3 ? absl::AbortedError("enough")
                                                    : absl::OkStatus();
                             }),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(visits, 3);
}

TEST(IndexTableTest, TablesAreKnownByTheirEnd) {
  MemoryFileSystem files;
  files.files["table"] = Written(Many(1));
  files.files["text"] = std::string(100, 'x');
  files.files["short"] = "x";
  EXPECT_TRUE(LooksLikeIndexTable(*files.OpenForRead("table").value()));
  EXPECT_FALSE(LooksLikeIndexTable(*files.OpenForRead("text").value()));
  EXPECT_FALSE(LooksLikeIndexTable(*files.OpenForRead("short").value()));
}

TEST(IndexTableTest, EveryCutIsAnError) {
  for (const std::string& table :
       {Written(Many(40)), WrittenByLevelDb(Many(40), leveldb::kSnappyCompression)}) {
    for (size_t size = 0; size < table.size(); ++size) {
      EXPECT_FALSE(Read(table.substr(0, size)).ok()) << size;
    }
  }
}

TEST(IndexTableTest, EveryChangedBitIsAnErrorOrChangesNothing) {
  const Entries entries = Many(40);
  for (std::string table :
       {Written(entries), WrittenByLevelDb(entries, leveldb::kSnappyCompression)}) {
    for (size_t bit = 0; bit < 8 * table.size(); ++bit) {
      table[bit / 8] ^= static_cast<char>(1 << bit % 8);
      const absl::StatusOr<Entries> read = Read(table);
      if (read.ok()) {
        EXPECT_EQ(*read, entries) << bit;
      } else {
        EXPECT_THAT(read, HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
      }
      table[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

// Tables whose checksums are right and whose sizes lie.

struct Handle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

Handle AppendBlock(absl::string_view block, char compression, std::string* table) {
  const Handle handle = {table->size(), block.size()};
  absl::StrAppend(table, block, std::string(1, compression));
  AppendFixed(MaskCrc32c(Crc32c(table->substr(handle.offset))), 4, table);
  return handle;
}

void AppendEntry(uint64_t shared, uint64_t added, uint64_t value_bytes, absl::string_view bytes,
                 std::string* block) {
  AppendVarint(shared, block);
  AppendVarint(added, block);
  AppendVarint(value_bytes, block);
  absl::StrAppend(block, bytes);
}

std::string WithRestarts(std::string block, uint32_t restarts = 1) {
  AppendFixed(0, 4, &block);
  AppendFixed(restarts, 4, &block);
  return block;
}

std::string HandleBytes(Handle handle) {
  std::string bytes;
  AppendVarint(handle.offset, &bytes);
  AppendVarint(handle.size, &bytes);
  return bytes;
}

// A table of these data blocks.
std::string Forged(const std::vector<Handle>& blocks, std::string table) {
  std::string index;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::string value = HandleBytes(blocks[i]);
    AppendEntry(0, 1, value.size(), absl::StrCat(std::string(1, static_cast<char>('a' + i)), value),
                &index);
  }
  const Handle handle = AppendBlock(WithRestarts(index), 0, &table);
  std::string footer = absl::StrCat(HandleBytes({0, 0}), HandleBytes(handle));
  footer.resize(40);
  AppendFixed(0xdb4775248b80fb57, 8, &footer);
  return table + footer;
}

std::string ForgedBlock(absl::string_view block, char compression = 0) {
  std::string table;
  const Handle handle = AppendBlock(block, compression, &table);
  return Forged({handle}, table);
}

TEST(ForgedIndexTableTest, TheForgerMakesRightTables) {
  std::string block;
  AppendEntry(0, 1, 1, "kv", &block);
  EXPECT_THAT(Read(ForgedBlock(WithRestarts(block))), IsOkAndHolds(Entries{{"k", "v"}}));
}

TEST(ForgedIndexTableTest, EntriesThatPassTheirBlockAreErrors) {
  const uint64_t kMax = ~uint64_t{0};
  const std::vector<std::vector<uint64_t>> lies = {
      {1, 1, 1},    {0, 3, 0},       {0, 0, 3},    {0, 0xffffffff, 1}, {0, 1, 0xffffffff},
      {0, kMax, 0}, {0, kMax, kMax}, {kMax, 1, 1}, {0, 1, kMax},       {0, uint64_t{1} << 32, 1}};
  for (const std::vector<uint64_t>& lie : lies) {
    std::string block;
    AppendEntry(lie[0], lie[1], lie[2], "kv", &block);
    EXPECT_THAT(Read(ForgedBlock(WithRestarts(block))), StatusIs(absl::StatusCode::kDataLoss))
        << lie[0] << " " << lie[1] << " " << lie[2];
  }
}

TEST(ForgedIndexTableTest, EveryChangedBitUnderARightChecksumIsSurvived) {
  std::string block;
  AppendEntry(0, 6, 5,
              "layer/"
              "first",
              &block);
  AppendEntry(6, 4, 6,
              "bias"
              "second",
              &block);
  AppendEntry(6, 6, 0, "kernel", &block);
  block = WithRestarts(block);
  for (size_t bit = 0; bit < 8 * block.size(); ++bit) {
    block[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const absl::StatusOr<Entries> read = Read(ForgedBlock(block));
    if (!read.ok()) {
      EXPECT_THAT(read, StatusIs(absl::StatusCode::kDataLoss)) << bit;
    }
    block[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

TEST(ForgedIndexTableTest, BlocksWithoutAnEndAreErrors) {
  EXPECT_FALSE(Read(ForgedBlock("")).ok());
  EXPECT_FALSE(Read(ForgedBlock("abc")).ok());
  EXPECT_FALSE(Read(ForgedBlock(WithRestarts("", 2))).ok());
  EXPECT_FALSE(Read(ForgedBlock(WithRestarts("", 0xffffffff))).ok());
}

TEST(ForgedIndexTableTest, HandlesOutsideTheFileAreErrors) {
  const uint64_t kMax = ~uint64_t{0};
  for (const Handle handle :
       {Handle{0, kMax}, Handle{0, kMax - 4}, Handle{kMax, 0}, Handle{kMax, kMax},
        Handle{1 << 20, 8}, Handle{0, uint64_t{1} << 40}}) {
    EXPECT_THAT(Read(Forged({handle}, "")),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("passes the end")));
  }
}

TEST(ForgedIndexTableTest, ABlockIsReadOnlyOnce) {
  std::string table;
  const Handle empty = AppendBlock(WithRestarts(""), 0, &table);
  EXPECT_OK(Read(Forged({empty}, table)));
  EXPECT_THAT(Read(Forged({empty, empty}, table)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not in order")));
}

TEST(ForgedIndexTableTest, KeysOutOfOrderAreErrors) {
  std::string block;
  AppendEntry(0, 1, 0, "b", &block);
  AppendEntry(0, 1, 0, "a", &block);
  EXPECT_THAT(Read(ForgedBlock(WithRestarts(block))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not in order")));
  std::string twice;
  AppendEntry(0, 1, 0, "a", &twice);
  AppendEntry(1, 0, 0, "", &twice);
  EXPECT_FALSE(Read(ForgedBlock(WithRestarts(twice))).ok());
}

TEST(ForgedIndexTableTest, CompressionThatLiesIsAnError) {
  EXPECT_THAT(Read(ForgedBlock(WithRestarts(""), 7)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("unknown compression 7")));
  std::string huge;
  AppendVarint(0xffffffff, &huge);
  EXPECT_THAT(Read(ForgedBlock(huge, 1)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("unpacks to 4294967295")));
  EXPECT_FALSE(Read(ForgedBlock("", 1)).ok());
  std::string packed;
  const std::string block = WithRestarts("");
  snappy::Compress(block.data(), block.size(), &packed);
  EXPECT_OK(Read(ForgedBlock(packed, 1)));
  EXPECT_FALSE(Read(ForgedBlock(packed.substr(0, packed.size() - 1), 1)).ok());
}

}  // namespace
}  // namespace cairn
