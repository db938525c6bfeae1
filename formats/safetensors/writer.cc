#include "formats/safetensors/writer.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/safetensors/dtype_map.h"

namespace cairn {
namespace {

absl::Status CheckMetadata(const SafetensorsMetadata& metadata) {
  for (const auto& [name, text] : metadata) {
    if (!IsUtf8(name) || !IsUtf8(text)) {
      return InvalidField("metadata", absl::StrCat(KeyTextFromBytes(name), " is not UTF-8"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SafetensorsEntry> EntryOf(const SafetensorsWriter::Tensor& tensor) {
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(tensor.key));
  if (std::optional<std::string> why = WhyNotInSafetensors(tensor.key, tensor.dtype)) {
    return InvalidField("tensor", absl::StrCat(tensor.key, ": ", *why));
  }
  SafetensorsEntry entry;
  CAIRN_ASSIGN_OR_RETURN(entry.name, BytesFromKeyText(tensor.key));
  entry.dtype = *SafetensorsDtypeName(tensor.dtype);
  entry.shape = tensor.shape;
  return entry;
}

}  // namespace

std::optional<std::string> WhyNotInSafetensors(absl::string_view key, absl::string_view dtype) {
  const absl::StatusOr<std::string> name = BytesFromKeyText(key);
  if (!name.ok() || !IsUtf8(*name)) return "its name is not UTF-8";
  if (*name == kSafetensorsMetadataName) return "it has the name of the metadata";
  if (!SafetensorsDtypeName(dtype).has_value()) {
    return absl::StrCat("safetensors has no dtype ", dtype);
  }
  return std::nullopt;
}

SafetensorsWriter::SafetensorsWriter(std::vector<Tensor> tensors)
    : tensors_(std::move(tensors)), slots_(tensors_.size()) {}

absl::StatusOr<std::unique_ptr<SafetensorsWriter>> SafetensorsWriter::Create(
    FileSystem* file_system, const std::string& path, std::vector<Tensor> tensors,
    std::optional<SafetensorsMetadata> metadata, bool replace) {
  auto writer = absl::WrapUnique(new SafetensorsWriter(std::move(tensors)));
  CAIRN_ASSIGN_OR_RETURN(const std::string header, writer->Plan(std::move(metadata)));
  CAIRN_ASSIGN_OR_RETURN(writer->file_, AtomicFile::Create(file_system, path, replace));
  CAIRN_RETURN_IF_ERROR(writer->file_->Write(0, header));
  return writer;
}

absl::StatusOr<std::string> SafetensorsWriter::Plan(std::optional<SafetensorsMetadata> metadata) {
  SafetensorsHeader header;
  header.metadata = std::move(metadata);
  if (header.metadata.has_value()) CAIRN_RETURN_IF_ERROR(CheckMetadata(*header.metadata));
  std::vector<SafetensorsEntry> entries;
  entries.reserve(tensors_.size());
  for (const Tensor& tensor : tensors_) {
    CAIRN_ASSIGN_OR_RETURN(SafetensorsEntry entry, EntryOf(tensor));
    entries.push_back(std::move(entry));
  }
  std::vector<size_t> order(tensors_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto place = [&](size_t i) {
    const SafetensorsEntry& entry = entries[i];
    return std::tuple(-SafetensorsRank(entry.dtype), absl::string_view(entry.dtype),
                      absl::string_view(entry.name));
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });

  int64_t end = 0;
  header.tensors.reserve(entries.size());
  for (const size_t i : order) {
    SafetensorsEntry& entry = entries[i];
    entry.begin = slots_[i].offset = end;
    if (tensors_[i].size_bytes < 0 || __builtin_add_overflow(end, tensors_[i].size_bytes, &end)) {
      return InvalidField("size", absl::StrCat("of tensor ", tensors_[i].key,
                                               " is negative, or the sum passes 2^63 bytes"));
    }
    entry.end = end;
    header.tensors.push_back(std::move(entry));
  }
  std::string bytes = EncodeSafetensorsHeader(header);
  const absl::string_view json = absl::string_view(bytes).substr(kSafetensorsLengthBytes);
  if (json.size() > static_cast<size_t>(kMaxSafetensorsHeaderBytes)) {
    return InvalidField("tensors", absl::StrCat("are ", tensors_.size(), ", whose header of ",
                                                json.size(), " bytes passes the ",
                                                kMaxSafetensorsHeaderBytes, " that are allowed"));
  }
  int64_t file_bytes;
  if (__builtin_add_overflow(end, static_cast<int64_t>(bytes.size()), &file_bytes)) {
    return InvalidField("size", "the tensors together pass 2^63 bytes");
  }
  // What a reader would refuse is not written: a name twice, a size that is not the dtype's.
  if (absl::Status read = ParseSafetensorsHeader(json, end).status(); !read.ok()) {
    return InvalidField("tensors", read.message());
  }
  for (Slot& slot : slots_) slot.offset += static_cast<int64_t>(bytes.size());
  return bytes;
}

absl::Status SafetensorsWriter::WriteAt(size_t tensor, int64_t offset, absl::string_view bytes) {
  CAIRN_CHECK(tensor < tensors_.size());
  const Tensor& planned = tensors_[tensor];
  if (offset < 0 || offset > planned.size_bytes ||
      bytes.size() > static_cast<uint64_t>(planned.size_bytes - offset)) {
    return absl::OutOfRangeError(absl::StrCat("tensor ", planned.key, " was planned with ",
                                              planned.size_bytes, " bytes: no room for ",
                                              bytes.size(), " at ", offset));
  }
  CAIRN_RETURN_IF_ERROR(file_->Write(slots_[tensor].offset + offset, bytes));
  slots_[tensor].written_bytes += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status SafetensorsWriter::Finish() {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (slots_[i].written_bytes == tensors_[i].size_bytes) continue;
    return MakeError(
        ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
        absl::StrCat("tensor ", tensors_[i].key, " came with ", slots_[i].written_bytes.load(),
                     " of its ", tensors_[i].size_bytes, " bytes"),
        {{"key", tensors_[i].key}});
  }
  return file_->Publish();
}

}  // namespace cairn
