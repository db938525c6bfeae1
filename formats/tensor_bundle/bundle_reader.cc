#include "formats/tensor_bundle/bundle_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/tensor_bundle/bundle.pb.h"
#include "formats/tensor_bundle/index_table.h"
#include "formats/tensor_bundle/string_tensor.h"
#include "formats/tensor_bundle/tensor_size.h"
#include "formats/tensor_bundle/variant_tensor.h"

namespace cairn {
namespace {

// The version of the format that this reads; there has been no other.
constexpr int32_t kVersion = 1;
// What the descriptions of all tensors may take; a forged index names any number of them.
constexpr int64_t kMaxMemoryBytes = int64_t{2} << 30;

absl::Status BadEntry(absl::string_view raw_key, absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged index: tensor ", KeyTextFromBytes(raw_key), ": ", what));
}

absl::Status Refused(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot read this checkpoint: ", what));
}

absl::Status NotYet(absl::string_view feature, absl::string_view message) {
  return MakeError(ErrorReason::ERROR_REASON_NOT_YET, absl::StatusCode::kUnimplemented, message,
                   {{"feature", feature}});
}

// `status` with the file it is about.
absl::Status InFile(const std::string& path, absl::Status status) {
  if (status.ok()) return status;
  ErrorDetail detail = DetailOf(status);
  (*detail.mutable_metadata())["path"] = path;
  return WithContext(WithDetail(std::move(status), detail), path);
}

absl::Status CheckVersion(const formats::VersionDef& version) {
  const bool is_bad =
      std::count(version.bad_consumers().begin(), version.bad_consumers().end(), kVersion) > 0;
  if (version.producer() < 0 || version.min_consumer() > kVersion || is_bad) {
    return Refused(absl::StrCat("it was written by version ", version.producer(),
                                " of the format, for readers from version ", version.min_consumer(),
                                " on; this one is version ", kVersion));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> Shape(const formats::TensorShape& shape,
                                           absl::string_view raw_key) {
  if (shape.unknown_rank()) return BadEntry(raw_key, "its rank is unknown");
  if (shape.dim_size() > kMaxRank) {
    return Refused(absl::StrCat("tensor ", KeyTextFromBytes(raw_key), " has ", shape.dim_size(),
                                " dimensions; Cairn takes ", kMaxRank));
  }
  std::vector<int64_t> sizes;
  sizes.reserve(shape.dim_size());
  for (const auto& dim : shape.dim()) sizes.push_back(dim.size());
  return sizes;
}

}  // namespace

BundleReader::BundleReader(FileSystem* file_system, const std::string& prefix)
    : file_system_(file_system), prefix_(prefix) {}

absl::StatusOr<std::unique_ptr<BundleReader>> BundleReader::Open(FileSystem* file_system,
                                                                 const std::string& prefix) {
  auto reader = absl::WrapUnique(new BundleReader(file_system, prefix));
  CAIRN_RETURN_IF_ERROR(reader->ReadIndex());
  CAIRN_RETURN_IF_ERROR(reader->CheckRanges());
  return reader;
}

absl::Status BundleReader::ReadIndex() {
  const std::string path = absl::StrCat(prefix_, ".index");
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                         file_system_->OpenForRead(path));
  CAIRN_RETURN_IF_ERROR(
      InFile(path, ReadIndexTable(*file, [this](absl::string_view key, absl::string_view value) {
               if (shards_ == nullptr) {
                 return key.empty() ? AddHeader(value) : Refused("its index has no header");
               }
               return AddTensor(key, value);
             })));
  return shards_ == nullptr ? InFile(path, Refused("its index is empty")) : absl::OkStatus();
}

absl::Status BundleReader::AddHeader(absl::string_view value) {
  formats::BundleHeader header;
  if (!header.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return Refused("its header is not a bundle's; it may be a V1 checkpoint");
  }
  CAIRN_RETURN_IF_ERROR(CheckVersion(header.version()));
  if (header.endianness() != formats::BundleHeader::LITTLE) {
    return NotYet(
        "big-endian checkpoints",
        "big-endian checkpoints cannot be read yet; load it with TensorFlow and save it on a "
        "little-endian machine");
  }
  if (header.num_shards() < 1) {
    return Refused(absl::StrCat("its header counts ", header.num_shards(), " data files"));
  }
  num_shards_ = header.num_shards();
  shards_ = std::make_unique<ShardFiles>(file_system_, prefix_, num_shards_);
  return absl::OkStatus();
}

absl::Status BundleReader::AddTensor(absl::string_view raw_key, absl::string_view value) {
  if (raw_key.size() > kMaxKeyBytes) {
    return Refused(
        absl::StrCat("a key has ", raw_key.size(), " bytes; Cairn takes ", kMaxKeyBytes));
  }
  formats::BundleEntry entry;
  if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return BadEntry(raw_key, "its entry does not parse");
  }
  if (entry.slices_size() > 0) {
    return NotYet("partitioned tensors",
                  absl::StrCat("tensor ", KeyTextFromBytes(raw_key),
                               " is saved in slices; sliced tensors cannot be read yet"));
  }
  const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(entry.dtype());
  if (!dtype.has_value())
    return BadEntry(raw_key, absl::StrCat("it has the dtype ", entry.dtype()));
  if (entry.shard_id() < 0 || entry.shard_id() >= num_shards_) {
    return BadEntry(raw_key,
                    absl::StrCat("it is in data file ", entry.shard_id(), " of ", num_shards_));
  }
  if (entry.offset() < 0 || entry.size() < 0) {
    return BadEntry(raw_key, absl::StrCat("it has ", entry.size(), " bytes at ", entry.offset()));
  }
  CAIRN_ASSIGN_OR_RETURN(std::vector<int64_t> shape, Shape(entry.shape(), raw_key));
  BundleTensor tensor{
      KeyTextFromBytes(raw_key), dtype->name,    std::move(shape), dtype->encoding,
      entry.shard_id(),          entry.offset(), entry.size(),     UnmaskCrc32c(entry.crc32c())};
  const absl::Status size = CheckTensorSize(*dtype, tensor.shape, tensor.size_bytes);
  if (!size.ok()) return BadEntry(raw_key, size.message());
  memory_bytes_ += static_cast<int64_t>(sizeof(tensor) + tensor.key.size() +
                                        tensor.shape.size() * sizeof(int64_t));
  if (memory_bytes_ > kMaxMemoryBytes) {
    return Refused(absl::StrCat("its index names more than ", tensors_.size(), " tensors"));
  }
  tensors_.push_back(std::move(tensor));
  return absl::OkStatus();
}

absl::Status BundleReader::CheckRanges() {
  std::map<int32_t, int64_t> file_bytes;
  for (const BundleTensor& tensor : tensors_) {
    auto found = file_bytes.find(tensor.shard);
    if (found == file_bytes.end()) {
      CAIRN_ASSIGN_OR_RETURN(const auto file, shards_->Open(tensor.shard));
      found = file_bytes.emplace(tensor.shard, file->size_bytes()).first;
    }
    if (tensor.offset > found->second || tensor.size_bytes > found->second - tensor.offset) {
      return Damaged(tensor,
                     absl::StrCat("its ", tensor.size_bytes, " bytes at ", tensor.offset,
                                  " pass the end of the data file of ", found->second, " bytes"));
    }
  }
  return absl::OkStatus();
}

const BundleTensor* BundleReader::Find(absl::string_view key) const {
  const absl::StatusOr<std::string> raw_key = BytesFromKeyText(key);
  if (!raw_key.ok()) return nullptr;
  // Every stored key is in text form, so that it has its bytes.
  const auto found = std::lower_bound(tensors_.begin(), tensors_.end(), *raw_key,
                                      [](const BundleTensor& tensor, const std::string& wanted) {
                                        return BytesFromKeyText(tensor.key).value() < wanted;
                                      });
  return found != tensors_.end() && found->key == key ? &*found : nullptr;
}

absl::Status BundleReader::ReadAt(const BundleTensor& tensor, int64_t offset,
                                  absl::Span<char> out) const {
  CAIRN_CHECK(tensor.encoding != BundleEncoding::kString);
  return ReadBytes(tensor, offset, out);
}

absl::Status BundleReader::ReadBytes(const BundleTensor& tensor, int64_t offset,
                                     absl::Span<char> out) const {
  if (offset < 0 || offset > tensor.size_bytes ||
      out.size() > static_cast<uint64_t>(tensor.size_bytes - offset)) {
    return absl::OutOfRangeError(absl::StrCat("tensor ", tensor.key, " of ", tensor.size_bytes,
                                              " bytes has no ", out.size(), " bytes at ", offset));
  }
  if (out.empty()) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(const auto file, shards_->Open(tensor.shard));
  absl::Status read = file->Read(tensor.offset + offset, out);
  // The range lay inside the file when it was opened.
  if (absl::IsOutOfRange(read)) return Damaged(tensor, "its data file has been cut");
  if (absl::IsDataLoss(read)) return Damaged(tensor, read.message());
  return read;
}

absl::StatusOr<std::string> BundleReader::ReadWhole(const BundleTensor& tensor) const {
  CAIRN_ASSIGN_OR_RETURN(const int64_t count, ElementCount(tensor.shape));
  std::string bytes(static_cast<size_t>(tensor.size_bytes), '\0');
  CAIRN_RETURN_IF_ERROR(ReadBytes(tensor, 0, absl::MakeSpan(bytes)));
  switch (tensor.encoding) {
    case BundleEncoding::kPlain:
      CAIRN_RETURN_IF_ERROR(CheckCrc32c(tensor, Crc32c(bytes)));
      return bytes;
    case BundleEncoding::kString: {
      absl::StatusOr<std::string> strings = DecodeStringTensor(bytes, count, tensor.crc32c);
      if (!strings.ok()) return Damaged(tensor, strings.status().message());
      return strings;
    }
    case BundleEncoding::kVariant: {
      const absl::StatusOr<uint32_t> crc32c = VariantTensorCrc32c(bytes, count);
      if (!crc32c.ok()) return Damaged(tensor, crc32c.status().message());
      CAIRN_RETURN_IF_ERROR(CheckCrc32c(tensor, *crc32c));
      return bytes;
    }
    case BundleEncoding::kUnknown:
      return bytes;
  }
  return bytes;
}

absl::Status BundleReader::CheckCrc32c(const BundleTensor& tensor, uint32_t crc32c) const {
  if (crc32c == tensor.crc32c) return absl::OkStatus();
  return Damaged(tensor, absl::StrCat("its checksum does not match: stored ",
                                      absl::Hex(tensor.crc32c, absl::kZeroPad8), ", read ",
                                      absl::Hex(crc32c, absl::kZeroPad8)));
}

absl::Status BundleReader::Damaged(const BundleTensor& tensor, absl::string_view what) const {
  const std::string path = ShardPath(prefix_, tensor.shard, num_shards_);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged checkpoint ", prefix_, ", data file ", tensor.shard,
                                " of ", num_shards_, ", tensor ", tensor.key, ": ", what),
                   {{"path", path}, {"key", tensor.key}});
}

}  // namespace cairn
