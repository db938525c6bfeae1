#include "client/cli/safetensors_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/safetensors_metadata.h"
#include "formats/safetensors/header.h"

namespace cairn::cli {
namespace {

class TensorSource : public SliceSource {
 public:
  // Borrowed.
  TensorSource(const SafetensorsReader& reader, const SafetensorsTensor& tensor)
      : reader_(reader), tensor_(tensor) {}
  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    return reader_.ReadAt(tensor_, offset, out);
  }

 private:
  const SafetensorsReader& reader_;
  const SafetensorsTensor& tensor_;
};

// In text form, without the folder.
std::string NameOf(const std::string& path) {
  return KeyTextFromBytes(absl::string_view(path).substr(path.rfind('/') + 1));
}

// What all files that say anything of it say alike; nullopt if none has metadata.
std::optional<SafetensorsMetadata> CommonMetadata(absl::Span<const SafetensorsFile> files) {
  std::optional<SafetensorsMetadata> common;
  std::set<std::string> contradicted;
  for (const SafetensorsFile& file : files) {
    if (!file.metadata.has_value()) continue;
    if (!common.has_value()) common.emplace();
    for (const auto& [name, text] : *file.metadata) {
      const auto [place, is_new] = common->emplace(name, text);
      if (place->second != text) contradicted.insert(name);
    }
  }
  for (const std::string& name : contradicted) common->erase(name);
  return common;
}

}  // namespace

SafetensorsSource::SafetensorsSource(std::unique_ptr<SafetensorsReader> reader,
                                     SourceIdentity identity)
    : CheckpointSource(std::move(identity)), reader_(std::move(reader)) {}

absl::StatusOr<std::unique_ptr<SafetensorsSource>> SafetensorsSource::Open(
    FileSystem* file_system, const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsReader> reader,
                         SafetensorsReader::Open(file_system, path));
  SourceIdentity identity;
  identity.path = path;
  identity.annotations[kSafetensorsFileAnnotation] = NameOf(path);
  // Moved in, since GCC 12 warns falsely of assigning one character.
  identity.key_separator = std::string(".");
  auto source = std::unique_ptr<SafetensorsSource>(
      new SafetensorsSource(std::move(reader), std::move(identity)));
  source->AddTensors();
  source->AddMetadata();
  return source;
}

void SafetensorsSource::AddTensors() {
  slices_.reserve(reader_->tensors().size());
  sources_.reserve(reader_->tensors().size());
  for (const SafetensorsTensor& tensor : reader_->tensors()) {
    SliceToSave slice = WholeTensor(tensor.key, tensor.dtype, tensor.shape, "");
    slice.bytes_count = tensor.size_bytes;
    slice.source = sources_.emplace_back(std::make_unique<TensorSource>(*reader_, tensor)).get();
    slices_.push_back(std::move(slice));
  }
}

void SafetensorsSource::AddMetadata() {
  const absl::Span<const SafetensorsFile> files = reader_->files();
  if (reader_->index().has_value()) AddAttachment(kSafetensorsIndexAttachment, *reader_->index());
  const std::optional<SafetensorsMetadata> common = CommonMetadata(files);
  if (!common.has_value()) return;
  AddAttachment(kSafetensorsMetadataAttachment, EncodeSafetensorsMetadata(*common));
  const bool all_alike = std::all_of(files.begin(), files.end(), [&](const SafetensorsFile& file) {
    return file.metadata == common;
  });
  if (all_alike) return;
  for (const SafetensorsFile& file : files) {
    if (!file.metadata.has_value()) continue;
    AddAttachment(absl::StrCat(kSafetensorsFileMetadataPrefix, NameOf(file.path)),
                  EncodeSafetensorsMetadata(*file.metadata));
  }
}

void SafetensorsSource::AddAttachment(const std::string& name, std::string bytes) {
  slices_.push_back(Attachment(name, in_memory_.emplace_back(std::move(bytes))));
}

}  // namespace cairn::cli
