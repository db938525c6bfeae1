#include "formats/safetensors/reader.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/safetensors/dtype_map.h"
#include "formats/safetensors/index_file.h"
#include "formats/safetensors/safetensors_path.h"

namespace cairn {
namespace {

// What the descriptions of all tensors may take; forged headers name any number of them.
constexpr int64_t kMaxMemoryBytes = int64_t{2} << 30;
constexpr int64_t kMaxIndexBytes = kMaxSafetensorsHeaderBytes;

absl::Status BadFile(absl::string_view path, absl::string_view what) {
  const std::string text = KeyTextFromBytes(path);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot read ", text, ": ", what), {{"path", text}});
}

std::string Quoted(absl::string_view name) {
  return absl::StrCat("tensor \"", KeyTextFromBytes(name), "\"");
}

std::string NameOf(absl::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

// The JSON at the front of `file`.
absl::StatusOr<std::string> ReadHeaderText(const RandomReadFile& file, absl::string_view path) {
  if (file.size_bytes() < kSafetensorsLengthBytes) {
    return BadFile(path, absl::StrCat("it has ", file.size_bytes(),
                                      " bytes, too few for the length of a header"));
  }
  char length_bytes[kSafetensorsLengthBytes];
  CAIRN_RETURN_IF_ERROR(file.Read(0, absl::MakeSpan(length_bytes)));
  uint64_t length = 0;
  for (int i = 0; i < kSafetensorsLengthBytes; ++i) {
    length |= uint64_t{static_cast<uint8_t>(length_bytes[i])} << (8 * i);
  }
  if (length > static_cast<uint64_t>(kMaxSafetensorsHeaderBytes)) {
    return BadFile(path, absl::StrCat("its header claims ", length, " bytes; at most ",
                                      kMaxSafetensorsHeaderBytes, " are allowed"));
  }
  if (length > static_cast<uint64_t>(file.size_bytes() - kSafetensorsLengthBytes)) {
    return BadFile(path, absl::StrCat("its header claims ", length, " bytes, but the file has ",
                                      file.size_bytes(), "; it may be cut off"));
  }
  std::string json(static_cast<size_t>(length), '\0');
  CAIRN_RETURN_IF_ERROR(file.Read(kSafetensorsLengthBytes, absl::MakeSpan(json)));
  return json;
}

}  // namespace

SafetensorsReader::SafetensorsReader(FileSystem* file_system, const std::string& path)
    : path_(path), file_system_(file_system), open_files_(file_system) {}

absl::StatusOr<std::unique_ptr<SafetensorsReader>> SafetensorsReader::Open(
    FileSystem* file_system, const std::string& path) {
  auto reader = absl::WrapUnique(new SafetensorsReader(file_system, path));
  CAIRN_RETURN_IF_ERROR(IsSafetensorsIndex(path) ? reader->ReadIndexed() : reader->ReadFile(path));
  std::sort(reader->tensors_.begin(), reader->tensors_.end(),
            [](const SafetensorsTensor& a, const SafetensorsTensor& b) { return a.key < b.key; });
  return reader;
}

absl::Status SafetensorsReader::ReadIndexed() {
  CAIRN_ASSIGN_OR_RETURN(index_, file_system_->ReadWhole(path_, kMaxIndexBytes));
  const absl::StatusOr<SafetensorsWeightMap> map = ParseSafetensorsIndex(*index_);
  if (!map.ok()) return BadFile(path_, map.status().message());
  std::set<std::string> names;
  for (const auto& [tensor, file] : *map) names.insert(file);
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  for (const std::string& name : names) {
    CAIRN_RETURN_IF_ERROR(ReadFile(absl::StrCat(folder, name)),
                          absl::StrCat(KeyTextFromBytes(path_), " names ", KeyTextFromBytes(name)));
  }

  std::map<absl::string_view, absl::string_view> file_of_key;  // as found
  for (const SafetensorsTensor& tensor : tensors_) {
    const absl::string_view file = files_[tensor.file].path;
    const auto [place, is_new] = file_of_key.emplace(tensor.key, file);
    if (!is_new) {
      return BadFile(path_, absl::StrCat("tensor \"", tensor.key, "\" is both in ",
                                         KeyTextFromBytes(NameOf(place->second)), " and in ",
                                         KeyTextFromBytes(NameOf(file))));
    }
  }
  for (const auto& [name, file] : *map) {
    const auto found = file_of_key.find(KeyTextFromBytes(name));
    if (found == file_of_key.end() || NameOf(found->second) != file) {
      return BadFile(path_, absl::StrCat(Quoted(name), " should be in ", KeyTextFromBytes(file),
                                         " and is not"));
    }
    file_of_key.erase(found);
  }
  if (!file_of_key.empty()) {
    const auto& [key, file] = *file_of_key.begin();
    return BadFile(path_, absl::StrCat("its weight_map lacks tensor \"", key, "\", which is in ",
                                       KeyTextFromBytes(NameOf(file))));
  }
  return absl::OkStatus();
}

absl::Status SafetensorsReader::ReadFile(const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const std::shared_ptr<RandomReadFile> file, open_files_.Open(path));
  CAIRN_ASSIGN_OR_RETURN(const std::string json, ReadHeaderText(*file, path));
  const int64_t data_offset = kSafetensorsLengthBytes + static_cast<int64_t>(json.size());
  absl::StatusOr<SafetensorsHeader> header =
      ParseSafetensorsHeader(json, file->size_bytes() - data_offset);
  if (!header.ok()) return BadFile(path, absl::StrCat("its header: ", header.status().message()));
  files_.push_back({path, std::move(header->metadata)});
  return AddTensors(*header, data_offset);
}

absl::Status SafetensorsReader::AddTensors(const SafetensorsHeader& header, int64_t data_offset) {
  for (const SafetensorsEntry& entry : header.tensors) {
    SafetensorsTensor tensor;
    tensor.key = KeyTextFromBytes(entry.name);
    if (absl::Status key = ValidateKeyText(tensor.key); !key.ok()) {
      return BadFile(files_.back().path,
                     absl::StrCat("the name \"", tensor.key.substr(0, 80), "\": ", key.message()));
    }
    tensor.dtype = SafetensorsDtypeFromName(entry.dtype)->name;
    tensor.shape = entry.shape;
    tensor.file = files_.size() - 1;
    tensor.offset = data_offset + entry.begin;
    tensor.size_bytes = entry.end - entry.begin;
    memory_bytes_ += static_cast<int64_t>(sizeof(tensor) + tensor.key.size() +
                                          tensor.shape.size() * sizeof(int64_t));
    if (memory_bytes_ > kMaxMemoryBytes) {
      return BadFile(path_, absl::StrCat("it names more than ", tensors_.size(), " tensors"));
    }
    tensors_.push_back(std::move(tensor));
  }
  return absl::OkStatus();
}

absl::Status SafetensorsReader::ReadAt(const SafetensorsTensor& tensor, int64_t offset,
                                       absl::Span<char> out) const {
  if (offset < 0 || offset > tensor.size_bytes ||
      out.size() > static_cast<uint64_t>(tensor.size_bytes - offset)) {
    return absl::OutOfRangeError(absl::StrCat("tensor ", tensor.key, " of ", tensor.size_bytes,
                                              " bytes has no ", out.size(), " bytes at ", offset));
  }
  if (out.empty()) return absl::OkStatus();
  const std::string& path = files_[tensor.file].path;
  CAIRN_ASSIGN_OR_RETURN(const auto file, open_files_.Open(path));
  const absl::Status read = file->Read(tensor.offset + offset, out);
  // The range lay inside the file when it was opened.
  if (!absl::IsOutOfRange(read)) return read;
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("tensor ", tensor.key, ": ", KeyTextFromBytes(path),
                                " has been cut while it was read"),
                   {{"path", KeyTextFromBytes(path)}, {"key", tensor.key}});
}

}  // namespace cairn
