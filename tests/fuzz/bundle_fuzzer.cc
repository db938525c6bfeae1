// A checkpoint: the entries of its index, in a table that is right, and its one data file. A byte
// says how many entries there are; each is two fields, key and value. The rest is the data file.
#include <map>
#include <string>

#include "base/box.h"
#include "base/error.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"

namespace cairn {
namespace {

constexpr char kDataFile[] = "ckpt.data-00000-of-00001";

void WriteIndex(const std::map<std::string, std::string>& entries, MemoryFileSystem* files) {
  auto file = files->CreateForWrite("ckpt.index");
  CAIRN_CHECK(file.ok());
  IndexTableWriter writer(file->get());
  for (const auto& [key, value] : entries) writer.Add(key, value);
  CAIRN_CHECK(writer.Finish().ok() && (*file)->Finish().ok());
}

void ReadSlice(const BundleReader& reader, const BundleTensor& tensor, const BundleSlice& slice) {
  reader.ReadWhole(tensor, slice).IgnoreError();
  if (tensor.encoding == BundleEncoding::kPlain) reader.SumOf(tensor, slice).IgnoreError();
  if (tensor.encoding == BundleEncoding::kString) return;
  // One byte too many.
  std::string bytes(static_cast<size_t>(slice.size_bytes) + 1, '\0');
  const absl::Span<char> right = absl::MakeSpan(bytes).first(bytes.size() - 1);
  CAIRN_CHECK(reader.ReadAt(tensor, slice, 0, right).ok());
  CAIRN_CHECK(!reader.ReadAt(tensor, slice, 0, absl::MakeSpan(bytes)).ok());
}

void ReadEverything(MemoryFileSystem* files) {
  const auto reader = BundleReader::Open(files, "ckpt");
  if (!reader.ok()) return;
  for (const BundleTensor& tensor : (*reader)->tensors()) {
    CAIRN_CHECK((*reader)->Find(tensor.key) == &tensor);
    CAIRN_CHECK(!tensor.slices.empty());
    int64_t held = 0;
    for (const BundleSlice& slice : tensor.slices) {
      CAIRN_CHECK(Contains(WholeBox(tensor.shape), slice.box));
      held += Volume(slice.box);
      ReadSlice(**reader, tensor, slice);
    }
    CAIRN_CHECK(tensor.partial == (held < Volume(WholeBox(tensor.shape))));
  }
}

}  // namespace
}  // namespace cairn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  std::map<std::string, std::string> entries;
  for (int left = input.TakeByte(); left > 0; --left) {
    const absl::string_view key = input.TakeField();
    entries.emplace(key, input.TakeField());
  }
  cairn::MemoryFileSystem files;
  files.files[cairn::kDataFile] = std::string(input.TakeRest());
  cairn::WriteIndex(entries, &files);
  cairn::ReadEverything(&files);
  return 0;
}
