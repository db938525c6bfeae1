// safetensors: the first byte chooses a file as it is, a header behind its right length with the
// data that follow, or an index with two files of that form. What is read is written again and
// means the same.
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "formats/safetensors/header.h"
#include "formats/safetensors/reader.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"

namespace cairn {
namespace {

constexpr char kFile[] = "m/1.safetensors";
constexpr char kOtherFile[] = "m/2.safetensors";
constexpr char kIndex[] = "m/x.safetensors.index.json";

std::string File(absl::string_view json, absl::string_view data) {
  std::string length;
  for (int i = 0; i < kSafetensorsLengthBytes; ++i) {
    length += static_cast<char>(uint64_t{json.size()} >> (8 * i));
  }
  return absl::StrCat(length, json, data);
}

void CheckTensors(const SafetensorsReader& reader) {
  for (const SafetensorsTensor& tensor : reader.tensors()) {
    // One byte too many.
    std::string bytes(static_cast<size_t>(tensor.size_bytes) + 1, '\0');
    CAIRN_CHECK(reader.ReadAt(tensor, 0, absl::MakeSpan(bytes).first(bytes.size() - 1)).ok());
    CAIRN_CHECK(!reader.ReadAt(tensor, 0, absl::MakeSpan(bytes)).ok());
  }
}

void CheckHeader(absl::string_view json, int64_t data_bytes) {
  const auto header = ParseSafetensorsHeader(json, data_bytes);
  if (!header.ok()) return;
  const std::string again = EncodeSafetensorsHeader(*header);
  const auto parsed =
      ParseSafetensorsHeader(absl::string_view(again).substr(kSafetensorsLengthBytes), data_bytes);
  CAIRN_CHECK(parsed.ok() && parsed->metadata == header->metadata);
  CAIRN_CHECK(EncodeSafetensorsHeader(*parsed) == again);
  if (!header->metadata.has_value()) return;
  const auto metadata = ParseSafetensorsMetadata(EncodeSafetensorsMetadata(*header->metadata));
  CAIRN_CHECK(metadata.ok() && *metadata == *header->metadata);
}

}  // namespace
}  // namespace cairn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  cairn::MemoryFileSystem files;
  const char* path = cairn::kFile;
  switch (input.TakeByte() % 3) {
    case 0:
      files.files[cairn::kFile] = std::string(input.TakeRest());
      break;
    case 1: {
      const absl::string_view json = input.TakeField();
      const absl::string_view rest = input.TakeRest();
      cairn::CheckHeader(json, static_cast<int64_t>(rest.size()));
      files.files[cairn::kFile] = cairn::File(json, rest);
      break;
    }
    default:
      path = cairn::kIndex;
      files.files[cairn::kIndex] = std::string(input.TakeField());
      for (const char* file : {cairn::kFile, cairn::kOtherFile}) {
        const absl::string_view json = input.TakeField();
        files.files[file] = cairn::File(json, input.TakeField());
      }
  }
  const auto reader = cairn::SafetensorsReader::Open(&files, path);
  if (reader.ok()) cairn::CheckTensors(**reader);
  return 0;
}
