// storage/FORMAT.md shows example bytes; this test makes the same bytes with today's code. A
// difference means that stores on disk can no longer be read, or that the document lies.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/crc32c.h"
#include "cairn/storage/v1/records.pb.h"
#include "storage/directory_keys.h"
#include "storage/engine/rocksdb/journal_line.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

// The blocks of FORMAT.md that begin with "```example NAME": hex, with comments after '#'; or with
// "```example-text NAME": lines as they are.
std::map<std::string, std::string> DocumentedExamples() {
  std::ifstream file("storage/FORMAT.md");
  std::map<std::string, std::string> examples;
  std::string name;
  bool is_text = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "```example")) {
      is_text = absl::StartsWith(line, "```example-text ");
      name = line.substr(line.find(' ') + 1);
      examples[name];
    } else if (absl::StartsWith(line, "```")) {
      name.clear();
    } else if (!name.empty() && is_text) {
      absl::StrAppend(&examples[name], line, "\n");
    } else if (!name.empty()) {
      std::string hex = line.substr(0, line.find('#'));
      examples[name] += absl::HexStringToBytes(absl::StrReplaceAll(hex, {{" ", ""}}));
    }
  }
  return examples;
}

Uid ExampleUid(char last) {
  std::string bytes(Uid::kBytes, '\0');
  bytes.back() = last;
  return *Uid::FromBytes(bytes);
}

std::string ExampleSliceRecord() {
  SliceRecord record;
  record.set_dtype("float32");
  record.add_shape(2);
  record.add_start(0);
  record.add_length(2);
  record.set_end(8);
  record.set_slice_bytes(8);
  record.set_writer("0");
  record.add_segments(std::string(ExampleUid(3).bytes()));
  v1::Piece* piece = record.add_pieces();
  piece->set_length(8);
  piece->set_crc32c(Crc32c(absl::string_view("\0\0\x80\x3f\0\0\0\x40", 8)));
  piece->set_xxh3_128(std::string(16, '\x11'));
  v1::ChunkExtent* extent = piece->add_extents();
  extent->set_chunk(1);
  extent->set_length(8);
  return record.SerializeAsString();
}

std::string ExampleSegmentHeader() {
  v1::SegmentHeader header;
  header.set_format(1);
  header.set_directory_uid(std::string(ExampleUid(1).bytes()));
  header.set_manifest_uid(std::string(ExampleUid(2).bytes()));
  header.set_create_time(1700000000000000);
  return header.SerializeAsString();
}

std::string ExampleEndRecord() {
  v1::EndRecord end;
  end.set_version(1);
  return end.SerializeAsString();
}

std::string ExampleResavedSlice() {
  v1::ResavedSlice resaved;
  resaved.set_version(1);
  return resaved.SerializeAsString();
}

std::string ExampleJournal() {
  JournalChain chain(ExampleUid(4));
  Batch batch{.partition = Partition::Directory(ExampleUid(1))};
  batch.Put("head", "1").Erase("promise");
  batch.witness = Witness{
      .sequence = 3, .noun = "runs/a@12", .rows = 2, .rows_xxh3 = uint64_t{0x0123456789abcdef}};
  const std::string first = chain.first_line();
  return absl::StrCat(first, chain.Next(static_cast<int64_t>(first.size()), EntryOf(batch)));
}

TEST(FormatTest, DocumentedBytesAreTodaysBytes) {
  const std::map<std::string, std::string> today = {
      {"slice-key", EncodeSliceKey(TensorKind::kTensor, "model/w", Box{{0}, {2}}, 0)},
      {"slice-value", ExampleSliceRecord()},
      {"segment-use-key", EncodeSegmentKey(ExampleUid(3))},
      {"resaved-key",
       EncodeResavedKey("1", EncodeSliceKey(TensorKind::kTensor, "model/w", Box{{0}, {2}}, 0))},
      {"resaved-value", ExampleResavedSlice()},
      {"end-key", std::string(kEndRow)},
      {"end-value", ExampleEndRecord()},
      {"checkpoint-key", CheckpointKey(ExampleUid(2))},
      {"number-key", NumberKey(12)},
      {"order-key", OrderKey(3)},
      {"promise-key", PromiseKey(12, "a")},
      {"borrow-key", BorrowKey(ExampleUid(3), ExampleUid(1))},
      {"writer-key", WriterKey("a", "0")},
      {"segment-header", ExampleSegmentHeader()},
      {"journal", ExampleJournal()},
  };
  const std::map<std::string, std::string> documented = DocumentedExamples();
  for (const auto& [name, bytes] : today) {
    auto found = documented.find(name);
    ASSERT_NE(found, documented.end()) << "FORMAT.md has no example " << name;
    EXPECT_EQ(absl::BytesToHexString(found->second), absl::BytesToHexString(bytes)) << name;
  }
  EXPECT_EQ(documented.size(), today.size()) << "FORMAT.md has an example that nothing checks";
}

}  // namespace
}  // namespace cairn::storage
