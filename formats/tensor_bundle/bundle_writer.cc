#include "formats/tensor_bundle/bundle_writer.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/index_table_writer.h"
#include "formats/tensor_bundle/shard_files.h"
#include "formats/tensor_bundle/tensor_size.h"

namespace cairn {
namespace {

constexpr int32_t kNumShards = 1;
constexpr int32_t kProducer = 1;

std::string IndexPath(absl::string_view prefix) { return absl::StrCat(prefix, ".index"); }
std::string DataPath(absl::string_view prefix) { return ShardPath(prefix, 0, kNumShards); }

// Beside the final file, since only a rename within a folder is atomic; no reader looks for the
// name.
std::string TemporaryPath(absl::string_view path) {
  return absl::StrCat(path, ".", Random::System()->NextUid().ToHex(), ".tmp");
}

std::string FolderOf(absl::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(prefix.substr(0, slash));
}

absl::Status AlreadyThere(absl::string_view path) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("cannot write the checkpoint: ", path,
                                " is there already; choose another path, or force to replace it"),
                   {{"path", path}});
}

absl::Status Incomplete(absl::string_view key, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot finish the checkpoint: tensor ", key, " ", what));
}

// The raw bytes of a planned tensor's key, once the whole tensor is found to be one that can be
// written.
absl::StatusOr<std::string> CheckedRawKey(const PlannedTensor& tensor) {
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(tensor.key));
  const std::optional<int32_t> number = BundleDtypeNumber(tensor.dtype);
  if (!number.has_value()) {
    return InvalidField("dtype", absl::StrCat(tensor.dtype,
                                              " is no type of TensorFlow's; leave the "
                                              "tensor out or cast it"));
  }
  CAIRN_RETURN_IF_ERROR(
      CheckTensorSize(*BundleDtypeFromNumber(*number), tensor.shape, tensor.size_bytes));
  return BytesFromKeyText(tensor.key);
}

std::string HeaderValue() {
  formats::BundleHeader header;
  header.set_num_shards(kNumShards);
  header.mutable_version()->set_producer(kProducer);
  return header.SerializeAsString();
}

std::string EntryValue(const PlannedTensor& tensor, int64_t offset, uint32_t crc32c) {
  formats::BundleEntry entry;
  entry.set_dtype(*BundleDtypeNumber(tensor.dtype));
  // Scalars have a shape, too: TensorFlow tells "no dimensions" from "no shape".
  formats::TensorShape* const shape = entry.mutable_shape();
  for (const int64_t size : tensor.shape) shape->add_dim()->set_size(size);
  entry.set_offset(offset);
  entry.set_size(tensor.size_bytes);
  entry.set_crc32c(MaskCrc32c(crc32c));
  return entry.SerializeAsString();
}

}  // namespace

BundleWriter::BundleWriter(FileSystem* file_system, const std::string& prefix,
                           std::vector<PlannedTensor> tensors, const Options& options)
    : file_system_(file_system),
      prefix_(prefix),
      temporary_data_(TemporaryPath(DataPath(prefix))),
      temporary_index_(TemporaryPath(IndexPath(prefix))),
      options_(options),
      tensors_(std::move(tensors)),
      slots_(tensors_.size()),
      in_order_(tensors_.size()) {}

BundleWriter::~BundleWriter() {
  data_.reset();
  // The newest first: an index never stands without its data. What cannot be removed stays as a
  // file that no reader looks for.
  for (auto path = unfinished_.rbegin(); path != unfinished_.rend(); ++path) {
    file_system_->Remove(*path).IgnoreError();
  }
}

absl::StatusOr<std::unique_ptr<BundleWriter>> BundleWriter::Create(
    FileSystem* file_system, const std::string& prefix, std::vector<PlannedTensor> tensors,
    const Options& options) {
  auto writer =
      absl::WrapUnique(new BundleWriter(file_system, prefix, std::move(tensors), options));
  CAIRN_RETURN_IF_ERROR(writer->Plan());
  CAIRN_RETURN_IF_ERROR(file_system->CreateFolders(FolderOf(prefix)));
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> existing, writer->ExistingFiles());
  if (!existing.empty() && !options.force) return AlreadyThere(existing.front());
  CAIRN_ASSIGN_OR_RETURN(writer->data_, file_system->CreateForWrite(writer->temporary_data_));
  return writer;
}

absl::Status BundleWriter::Plan() {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    CAIRN_ASSIGN_OR_RETURN(slots_[i].raw_key, CheckedRawKey(tensors_[i]),
                           absl::StrCat("planning tensor ", tensors_[i].key));
  }
  std::iota(in_order_.begin(), in_order_.end(), size_t{0});
  std::sort(in_order_.begin(), in_order_.end(),
            [this](size_t a, size_t b) { return slots_[a].raw_key < slots_[b].raw_key; });
  const std::string* last_key = nullptr;
  for (const size_t i : in_order_) {
    Slot& slot = slots_[i];
    if (last_key != nullptr && *last_key == slot.raw_key) {
      return InvalidField("key", absl::StrCat("tensor ", tensors_[i].key, " is planned twice"));
    }
    last_key = &slot.raw_key;
    slot.offset = size_bytes_;
    if (__builtin_add_overflow(size_bytes_, tensors_[i].size_bytes, &size_bytes_)) {
      return InvalidField("size", "the tensors together pass 2^63 bytes");
    }
  }
  return absl::OkStatus();
}

absl::Status BundleWriter::WriteAt(size_t tensor, int64_t offset, absl::string_view bytes) {
  CAIRN_CHECK(tensor < tensors_.size());
  const PlannedTensor& planned = tensors_[tensor];
  if (offset < 0 || offset > planned.size_bytes ||
      bytes.size() > static_cast<uint64_t>(planned.size_bytes - offset)) {
    return absl::OutOfRangeError(absl::StrCat("tensor ", planned.key, " was planned with ",
                                              planned.size_bytes, " bytes: no room for ",
                                              bytes.size(), " at ", offset));
  }
  CAIRN_RETURN_IF_ERROR(data_->Write(slots_[tensor].offset + offset, bytes));
  slots_[tensor].written_bytes += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

void BundleWriter::SetCrc32c(size_t tensor, uint32_t crc32c) {
  CAIRN_CHECK(tensor < tensors_.size());
  slots_[tensor].crc32c = crc32c;
  slots_[tensor].has_crc32c = true;
}

absl::Status BundleWriter::Finish() {
  CAIRN_RETURN_IF_ERROR(CheckComplete());
  CAIRN_RETURN_IF_ERROR(data_->Finish());
  data_.reset();
  unfinished_.push_back(temporary_data_);
  CAIRN_RETURN_IF_ERROR(WriteIndex());
  CAIRN_RETURN_IF_ERROR(Publish());
  unfinished_.clear();
  return absl::OkStatus();
}

absl::Status BundleWriter::CheckComplete() const {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].size_bytes == 0) continue;
    if (slots_[i].written_bytes < tensors_[i].size_bytes) {
      return Incomplete(tensors_[i].key, absl::StrCat("has ", slots_[i].written_bytes.load(),
                                                      " of ", tensors_[i].size_bytes, " bytes"));
    }
    if (!slots_[i].has_crc32c) return Incomplete(tensors_[i].key, "has no checksum");
  }
  return absl::OkStatus();
}

absl::Status BundleWriter::WriteIndex() {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomWriteFile> file,
                         file_system_->CreateForWrite(temporary_index_));
  IndexTableWriter table(file.get());
  table.Add("", HeaderValue());
  for (const size_t i : in_order_) {
    table.Add(slots_[i].raw_key, EntryValue(tensors_[i], slots_[i].offset, slots_[i].crc32c));
  }
  CAIRN_RETURN_IF_ERROR(table.Finish());
  CAIRN_RETURN_IF_ERROR(file->Finish());
  unfinished_.push_back(temporary_index_);
  return absl::OkStatus();
}

absl::Status BundleWriter::Publish() {
  const std::string folder = FolderOf(prefix_);
  const std::string data = DataPath(prefix_);
  const std::string index = IndexPath(prefix_);
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> replaced, ExistingFiles());
  if (!replaced.empty() && !options_.force) return AlreadyThere(replaced.front());
  if (file_system_->Exists(index)) {
    CAIRN_RETURN_IF_ERROR(file_system_->Remove(index));
    CAIRN_RETURN_IF_ERROR(file_system_->SyncFolder(folder));
  }
  CAIRN_RETURN_IF_ERROR(file_system_->Rename(temporary_data_, data));
  unfinished_ = {data, temporary_index_};
  CAIRN_RETURN_IF_ERROR(file_system_->SyncFolder(folder));
  CAIRN_RETURN_IF_ERROR(file_system_->Rename(temporary_index_, index));
  unfinished_ = {data, index};
  for (const std::string& path : replaced) {
    if (path != data && path != index) CAIRN_RETURN_IF_ERROR(file_system_->Remove(path));
  }
  return file_system_->SyncFolder(folder);
}

absl::StatusOr<std::vector<std::string>> BundleWriter::ExistingFiles() const {
  const std::string folder = FolderOf(prefix_);
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(folder));
  // What the prefix says before the names: "", "/", "runs/".
  const std::string before = prefix_.substr(0, prefix_.rfind('/') + 1);
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(before, name);
    if (path == IndexPath(prefix_) || PrefixOfShardPath(path) == absl::string_view(prefix_)) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

}  // namespace cairn
