#include "client/cli/bundle_source.h"

#include <utility>

#include "base/error.h"
#include "client/cli/source_identity.h"

namespace cairn::cli {
namespace {

class FileSlice : public SliceSource {
 public:
  // Borrowed.
  FileSlice(const BundleReader& reader, const BundleTensor& tensor, const BundleSlice& slice)
      : reader_(reader), tensor_(tensor), slice_(slice) {}
  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    return reader_.ReadAt(tensor_, slice_, offset, out);
  }

 private:
  const BundleReader& reader_;
  const BundleTensor& tensor_;
  const BundleSlice& slice_;
};

}  // namespace

BundleSource::BundleSource(std::unique_ptr<BundleReader> reader, SourceIdentity identity)
    : CheckpointSource(std::move(identity)), reader_(std::move(reader)) {}

absl::StatusOr<std::unique_ptr<BundleSource>> BundleSource::Open(FileSystem* file_system,
                                                                 const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const BundlePath found, ResolveBundlePath(file_system, path));
  return Open(file_system, found);
}

absl::StatusOr<std::unique_ptr<BundleSource>> BundleSource::Open(FileSystem* file_system,
                                                                 const BundlePath& found) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<BundleReader> reader,
                         BundleReader::Open(file_system, found.prefix));
  auto source =
      std::unique_ptr<BundleSource>(new BundleSource(std::move(reader), IdentityOf(found)));
  CAIRN_RETURN_IF_ERROR(source->AddSlices());
  return source;
}

absl::Status BundleSource::AddSlices() {
  for (const BundleTensor& tensor : reader_->tensors()) {
    for (const BundleSlice& slice : tensor.slices) {
      CAIRN_RETURN_IF_ERROR(AddSlice(tensor, slice));
    }
  }
  return absl::OkStatus();
}

absl::Status BundleSource::AddSlice(const BundleTensor& tensor, const BundleSlice& slice) {
  SliceToSave to_save;
  to_save.key = tensor.key;
  to_save.dtype = tensor.dtype;
  to_save.shape = tensor.shape;
  to_save.box = slice.box;
  to_save.open_dimensions = slice.open_dimensions;
  to_save.partial = tensor.partial;
  switch (tensor.encoding) {
    case BundleEncoding::kPlain: {
      CAIRN_ASSIGN_OR_RETURN(to_save.expected_crc32c, reader_->SumOf(tensor, slice));
      [[fallthrough]];
    }
    case BundleEncoding::kUnknown:
      to_save.bytes_count = slice.size_bytes;
      to_save.source =
          sources_.emplace_back(std::make_unique<FileSlice>(*reader_, tensor, slice)).get();
      break;
    case BundleEncoding::kString:
    case BundleEncoding::kVariant: {
      CAIRN_ASSIGN_OR_RETURN(std::string bytes, reader_->ReadWhole(tensor, slice));
      to_save.bytes = *in_memory_.emplace_back(std::make_unique<std::string>(std::move(bytes)));
      to_save.bytes_count = static_cast<int64_t>(to_save.bytes.size());
      break;
    }
  }
  slices_.push_back(std::move(to_save));
  return absl::OkStatus();
}

}  // namespace cairn::cli
