#include "client/cli/bundle_source.h"

#include <utility>

#include "base/error.h"
#include "formats/tensor_bundle/bundle_path.h"

namespace cairn::cli {
namespace {

class TensorSource : public SliceSource {
 public:
  // Borrowed.
  TensorSource(const BundleReader& reader, const BundleTensor& tensor)
      : reader_(reader), tensor_(tensor) {}
  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    return reader_.ReadAt(tensor_, offset, out);
  }

 private:
  const BundleReader& reader_;
  const BundleTensor& tensor_;
};

SourceIdentity IdentityOf(const BundlePath& found) {
  SourceIdentity identity;
  identity.path = found.prefix;
  identity.number = found.number;
  const std::string name = found.prefix.substr(found.prefix.rfind('/') + 1);
  // A folder's own bundle has none.
  if (!name.empty()) identity.annotations["tensorflow.prefix"] = name;
  return identity;
}

}  // namespace

BundleSource::BundleSource(std::unique_ptr<BundleReader> reader, SourceIdentity identity)
    : CheckpointSource(std::move(identity)), reader_(std::move(reader)) {}

absl::StatusOr<std::unique_ptr<BundleSource>> BundleSource::Open(FileSystem* file_system,
                                                                 const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const BundlePath found, ResolveBundlePath(file_system, path));
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<BundleReader> reader,
                         BundleReader::Open(file_system, found.prefix));
  auto source =
      std::unique_ptr<BundleSource>(new BundleSource(std::move(reader), IdentityOf(found)));
  CAIRN_RETURN_IF_ERROR(source->AddTensors());
  return source;
}

absl::Status BundleSource::AddTensors() {
  slices_.reserve(reader_->tensors().size());
  for (const BundleTensor& tensor : reader_->tensors()) {
    SliceToSave slice = WholeTensor(tensor.key, tensor.dtype, tensor.shape, "");
    switch (tensor.encoding) {
      case BundleEncoding::kPlain:
        slice.expected_crc32c = tensor.crc32c;
        [[fallthrough]];
      case BundleEncoding::kUnknown:
        slice.bytes_count = tensor.size_bytes;
        slice.source =
            sources_.emplace_back(std::make_unique<TensorSource>(*reader_, tensor)).get();
        break;
      case BundleEncoding::kString:
      case BundleEncoding::kVariant: {
        CAIRN_ASSIGN_OR_RETURN(std::string bytes, reader_->ReadWhole(tensor));
        slice.bytes = *in_memory_.emplace_back(std::make_unique<std::string>(std::move(bytes)));
        slice.bytes_count = static_cast<int64_t>(slice.bytes.size());
        break;
      }
    }
    slices_.push_back(std::move(slice));
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
