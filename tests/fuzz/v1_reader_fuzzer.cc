// A V1 checkpoint of one or two files. The first byte says what follows: 0, a file as it is; else
// the entries of that many files (2 at most) in tables that are right: a byte says how many, each
// is two fields, key and value. What is read is compared with what protobuf makes of the entries.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/box.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/checkpoint_v1/checkpoint_v1.pb.h"
#include "formats/checkpoint_v1/v1_reader.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"

namespace cairn {
namespace {

using Entries = std::map<std::string, std::string>;

Entries TakeEntries(FuzzInput* input) {
  Entries entries;
  for (int left = input->TakeByte(); left > 0; --left) {
    const absl::string_view key = input->TakeField();
    entries.emplace(key, input->TakeField());
  }
  return entries;
}

void WriteTable(const std::string& path, const Entries& entries, MemoryFileSystem* files) {
  auto file = files->CreateForWrite(path);
  CAIRN_CHECK(file.ok());
  IndexTableWriter writer(file->get());
  for (const auto& [key, value] : entries) writer.Add(key, value);
  CAIRN_CHECK(writer.Finish().ok() && (*file)->Finish().ok());
}

// Numbers in our layout, each in `width` bytes.
template <typename Numbers>
std::string Integers(const Numbers& numbers, int width) {
  std::string bytes;
  for (const auto number : numbers) AppendFixed(static_cast<uint64_t>(number), width, &bytes);
  return bytes;
}

template <typename Numbers>
std::string Reals(const Numbers& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()),
                     static_cast<size_t>(numbers.size()) * sizeof(numbers.Get(0)));
}

// Our bytes of all values, in whichever field they are: a slice that opens has one such field.
std::string BytesOf(const formats::TensorProto& proto, int number_bytes) {
  std::string strings;
  for (const std::string& value : proto.string_val()) AppendFixed(value.size(), 8, &strings);
  for (const std::string& value : proto.string_val()) strings += value;
  return Reals(proto.float_val()) + Reals(proto.double_val()) + Reals(proto.scomplex_val()) +
         Reals(proto.dcomplex_val()) + Integers(proto.int_val(), number_bytes) +
         Integers(proto.half_val(), 2) + Integers(proto.int64_val(), 8) +
         Integers(proto.bool_val(), 1) + Integers(proto.uint32_val(), 4) +
         Integers(proto.uint64_val(), 8) + proto.float8_val() + strings;
}

std::string ReadInTwo(const V1Reader& reader, const V1Slice& slice) {
  std::string bytes(static_cast<size_t>(slice.values.bytes_count()), '\0');
  const auto out = absl::MakeSpan(bytes);
  const size_t half = bytes.size() / 2;
  CAIRN_CHECK(reader.ReadAt(slice, static_cast<int64_t>(half), out.subspan(half)).ok());
  CAIRN_CHECK(reader.ReadAt(slice, 0, out.first(half)).ok());
  char beyond;
  CAIRN_CHECK(!reader.ReadAt(slice, slice.values.bytes_count(), absl::MakeSpan(&beyond, 1)).ok());
  CAIRN_CHECK(Crc32c(bytes) == slice.values.crc32c());
  return bytes;
}

// Whether an entry of one of the tables is this slice of this tensor.
bool IsInAny(const std::vector<Entries>& tables, const V1Tensor& tensor, const V1Slice& slice,
             const std::string& bytes) {
  const int64_t elements = Volume(slice.box);
  const int width = elements == 0 ? 1 : static_cast<int>(bytes.size() / elements);
  for (const Entries& entries : tables) {
    for (const auto& [key, value] : entries) {
      formats::SavedTensorSlices entry;
      if (key.empty() || !entry.ParseFromString(value)) continue;
      if (KeyTextFromBytes(entry.data().name()) == tensor.key &&
          BytesOf(entry.data().data(), width) == bytes) {
        return true;
      }
    }
  }
  return false;
}

void ReadEverything(MemoryFileSystem* files, const std::vector<Entries>& tables) {
  std::vector<std::string> paths;
  for (const auto& [path, content] : files->files) paths.push_back(path);
  const auto reader = V1Reader::Open(files, paths);
  if (!reader.ok()) return;
  for (const V1Tensor& tensor : (*reader)->tensors()) {
    CAIRN_CHECK(!tensor.slices.empty() && ValidateKeyText(tensor.key).ok());
    for (const V1Slice& slice : tensor.slices) {
      CAIRN_CHECK(Contains(WholeBox(tensor.shape), slice.box));
      const std::string bytes = ReadInTwo(**reader, slice);
      CAIRN_CHECK(tables.empty() || IsInAny(tables, tensor, slice, bytes));
    }
  }
}

}  // namespace
}  // namespace cairn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  const uint8_t number = input.TakeByte();
  cairn::MemoryFileSystem files;
  std::vector<cairn::Entries> tables;
  if (number == 0) files.files["v1"] = std::string(input.TakeRest());
  for (int i = 0; i < std::min<int>(number, 2); ++i) {
    tables.push_back(cairn::TakeEntries(&input));
    cairn::WriteTable(i == 0 ? "v1-0" : "v1-1", tables.back(), &files);
  }
  cairn::ReadEverything(&files, tables);
  return 0;
}
