#include "client/cli/v1_source.h"

#include <utility>

#include "base/error.h"
#include "client/cli/source_identity.h"

namespace cairn::cli {
namespace {

class FileSlice : public SliceSource {
 public:
  // Borrowed.
  FileSlice(const V1Reader& reader, const V1Slice& slice) : reader_(reader), slice_(slice) {}
  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    return reader_.ReadAt(slice_, offset, out);
  }

 private:
  const V1Reader& reader_;
  const V1Slice& slice_;
};

}  // namespace

V1Source::V1Source(std::unique_ptr<V1Reader> reader, SourceIdentity identity)
    : CheckpointSource(std::move(identity)), reader_(std::move(reader)) {}

absl::StatusOr<std::unique_ptr<V1Source>> V1Source::Open(FileSystem* file_system,
                                                         const BundlePath& found) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<V1Reader> reader,
                         V1Reader::Open(file_system, found.v1_files));
  auto source = std::unique_ptr<V1Source>(new V1Source(std::move(reader), IdentityOf(found)));
  source->AddSlices();
  return source;
}

void V1Source::AddSlices() {
  for (const V1Tensor& tensor : reader_->tensors()) {
    for (const V1Slice& slice : tensor.slices) {
      SliceToSave to_save;
      to_save.key = tensor.key;
      to_save.dtype = tensor.dtype;
      to_save.shape = tensor.shape;
      to_save.box = slice.box;
      to_save.open_dimensions = slice.open_dimensions;
      to_save.partial = tensor.partial;
      to_save.bytes_count = slice.values.bytes_count();
      to_save.expected_crc32c = slice.values.crc32c();
      to_save.source = sources_.emplace_back(std::make_unique<FileSlice>(*reader_, slice)).get();
      slices_.push_back(std::move(to_save));
    }
  }
}

}  // namespace cairn::cli
