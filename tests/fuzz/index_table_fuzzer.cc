// A bundle's index as a container. The first byte says what follows: 0, a file as it is; else the
// blocks of a table, each a field (its compression, then its bytes), which get the checksums and
// the footer that lead a reader into them. The last is the index block; with 2, one that names all
// others is made instead.
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/error.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"

namespace cairn {
namespace {

constexpr uint8_t kFile = 0;
constexpr uint8_t kMakeIndexBlock = 2;

// Appends a block with its trailer; returns its handle.
std::string AppendBlock(absl::string_view bytes, char compression, std::string* file) {
  std::string handle;
  AppendVarint(file->size(), &handle);
  AppendVarint(bytes.size(), &handle);
  std::string stored(bytes);
  stored.push_back(compression);
  file->append(stored);
  AppendFixed(MaskCrc32c(Crc32c(stored)), 4, file);
  return handle;
}

// A block of these entries, none of which shares a part of its key.
std::string MakeBlock(const std::vector<std::string>& values) {
  std::string block;
  for (size_t i = 0; i < values.size(); ++i) {
    AppendVarint(0, &block);
    AppendVarint(1, &block);
    AppendVarint(values[i].size(), &block);
    block.push_back(static_cast<char>(i));
    block.append(values[i]);
  }
  AppendFixed(0, 4, &block);
  AppendFixed(1, 4, &block);
  return block;
}

std::string MakeTable(bool make_index_block, FuzzInput* input) {
  std::string file;
  std::vector<std::string> handles;
  while (!input->done()) {
    absl::string_view block = input->TakeField();
    const char compression = block.empty() ? '\0' : block[0];
    block.remove_prefix(block.empty() ? 0 : 1);
    handles.push_back(AppendBlock(block, compression, &file));
  }
  if (make_index_block || handles.empty()) {
    handles.push_back(AppendBlock(MakeBlock(handles), '\0', &file));
  }
  std::string footer = AppendBlock(MakeBlock({}), '\0', &file) + handles.back();
  footer.resize(40);
  AppendFixed(0xdb4775248b80fb57, 8, &footer);
  return file + footer;
}

struct Entry {
  std::string key;
  std::string value;
  bool operator==(const Entry&) const = default;
};

absl::StatusOr<std::vector<Entry>> ReadAll(MemoryFileSystem* files, const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const auto file, files->OpenForRead(path));
  std::vector<Entry> entries;
  CAIRN_RETURN_IF_ERROR(ReadIndexTable(*file, [&](absl::string_view key, absl::string_view value) {
    CAIRN_CHECK(entries.empty() || entries.back().key < key);
    entries.push_back({std::string(key), std::string(value)});
    return absl::OkStatus();
  }));
  CAIRN_CHECK(LooksLikeIndexTable(*file));
  return entries;
}

// What was read is read again from a table of our own.
void CheckRewritten(const std::vector<Entry>& entries, MemoryFileSystem* files) {
  auto file = files->CreateForWrite("rewritten");
  CAIRN_CHECK(file.ok());
  IndexTableWriter writer(file->get());
  for (const Entry& entry : entries) writer.Add(entry.key, entry.value);
  CAIRN_CHECK(writer.Finish().ok() && (*file)->Finish().ok());
  const auto read = ReadAll(files, "rewritten");
  CAIRN_CHECK(read.ok() && *read == entries);
}

}  // namespace
}  // namespace cairn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  const uint8_t kind = input.TakeByte();
  cairn::MemoryFileSystem files;
  files.files["index"] = kind == cairn::kFile
                             ? std::string(input.TakeRest())
                             : cairn::MakeTable(kind == cairn::kMakeIndexBlock, &input);
  const auto entries = cairn::ReadAll(&files, "index");
  if (entries.ok()) cairn::CheckRewritten(*entries, &files);
  return 0;
}
