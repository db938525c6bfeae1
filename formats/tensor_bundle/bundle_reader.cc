#include "formats/tensor_bundle/bundle_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/tensor_bundle/byte_order.h"
#include "formats/tensor_bundle/string_tensor.h"
#include "formats/tensor_bundle/variant_tensor.h"

namespace cairn {
namespace {

// What SumOf reads at a time: a multiple of every width.
constexpr int64_t kSumBytes = int64_t{1} << 20;

// `status` with the file it is about.
absl::Status InFile(const std::string& path, absl::Status status) {
  if (status.ok()) return status;
  ErrorDetail detail = DetailOf(status);
  (*detail.mutable_metadata())["path"] = path;
  return WithContext(WithDetail(std::move(status), detail), path);
}

// Of one data file.
struct FileUse {
  int64_t file_bytes = 0;
  int64_t encoded_bytes = 0;  // of the strings and variants in it
};

}  // namespace

BundleReader::BundleReader(FileSystem* file_system, const std::string& prefix)
    : file_system_(file_system), prefix_(prefix) {}

absl::StatusOr<std::unique_ptr<BundleReader>> BundleReader::Open(FileSystem* file_system,
                                                                 const std::string& prefix) {
  auto reader = absl::WrapUnique(new BundleReader(file_system, prefix));
  CAIRN_RETURN_IF_ERROR(reader->ReadIndex());
  reader->CountShards();
  CAIRN_RETURN_IF_ERROR(reader->CheckRanges());
  return reader;
}

absl::Status BundleReader::ReadIndex() {
  const std::string path = absl::StrCat(prefix_, ".index");
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                         file_system_->OpenForRead(path));
  absl::StatusOr<BundleIndex> index = ReadBundleIndex(*file);
  if (!index.ok()) return InFile(path, std::move(index).status());
  index_ = *std::move(index);
  return absl::OkStatus();
}

// Merging counts a part without entries in the header, but names no data file after it. TensorFlow
// 2.21 cannot read what it wrote there.
void BundleReader::CountShards() {
  num_shards_ = index_.num_shards;
  std::set<int32_t> needed;
  for (const BundleTensor& tensor : index_.tensors) {
    for (const BundleSlice& slice : tensor.slices) needed.insert(slice.shard);
  }
  if (!needed.empty() && !file_system_->Exists(ShardPath(prefix_, *needed.begin(), num_shards_))) {
    const std::vector<int32_t> counts = ShardCountsWith(file_system_, prefix_, needed);
    if (counts.size() == 1) num_shards_ = counts.front();
  }
  shards_ = std::make_unique<ShardFiles>(file_system_, prefix_, num_shards_);
}

absl::Status BundleReader::CheckRanges() {
  std::map<int32_t, FileUse> files;
  for (const BundleTensor& tensor : index_.tensors) {
    const bool encoded =
        tensor.encoding == BundleEncoding::kString || tensor.encoding == BundleEncoding::kVariant;
    for (const BundleSlice& slice : tensor.slices) {
      auto found = files.find(slice.shard);
      if (found == files.end()) {
        CAIRN_ASSIGN_OR_RETURN(const auto file, shards_->Open(slice.shard));
        found = files.emplace(slice.shard, FileUse{.file_bytes = file->size_bytes()}).first;
      }
      FileUse& use = found->second;
      if (slice.offset > use.file_bytes || slice.size_bytes > use.file_bytes - slice.offset) {
        return Damaged(
            tensor, slice,
            absl::StrCat("its ", slice.size_bytes, " bytes at ", slice.offset,
                         " pass the end of the data file of ", use.file_bytes, " bytes"));
      }
      if (!encoded) continue;
      // Callers keep these in memory, so that a forged index must not name the same bytes often.
      if (slice.size_bytes > use.file_bytes - use.encoded_bytes) {
        return Damaged(tensor, slice, "it has bytes of the data file that are another tensor's");
      }
      use.encoded_bytes += slice.size_bytes;
    }
  }
  return absl::OkStatus();
}

const BundleTensor* BundleReader::Find(absl::string_view key) const {
  const absl::StatusOr<std::string> raw_key = BytesFromKeyText(key);
  if (!raw_key.ok()) return nullptr;
  const std::vector<BundleTensor>& tensors = index_.tensors;
  // Every stored key is in text form, so that it has its bytes.
  const auto found = std::lower_bound(tensors.begin(), tensors.end(), *raw_key,
                                      [](const BundleTensor& tensor, const std::string& wanted) {
                                        return BytesFromKeyText(tensor.key).value() < wanted;
                                      });
  return found != tensors.end() && found->key == key ? &*found : nullptr;
}

int BundleReader::ReversedBytes(const BundleTensor& tensor) const {
  if (index_.byte_order == ByteOrder::kLittle || tensor.encoding != BundleEncoding::kPlain) {
    return 1;
  }
  const std::optional<int32_t> number = BundleDtypeNumber(tensor.dtype);
  CAIRN_CHECK(number.has_value());  // it came from one
  const int item_bytes = BundleDtypeFromNumber(*number)->item_bytes;
  const std::optional<Dtype> dtype = FindDtype(tensor.dtype);
  const bool is_pair = dtype.has_value() && dtype->dtype_class == DtypeClass::kComplex;
  return is_pair ? item_bytes / 2 : item_bytes;
}

absl::Status BundleReader::ReadAt(const BundleTensor& tensor, const BundleSlice& slice,
                                  int64_t offset, absl::Span<char> out) const {
  CAIRN_CHECK(tensor.encoding != BundleEncoding::kString);
  const int width = ReversedBytes(tensor);
  const auto size = static_cast<int64_t>(out.size());
  if (offset < 0 || (offset % width == 0 && size % width == 0)) {
    CAIRN_RETURN_IF_ERROR(ReadBytes(tensor, slice, offset, out));
    ReverseEach(width, out);
    return absl::OkStatus();
  }
  // The numbers that the range cuts are read whole.
  const int64_t before = offset % width;
  const int64_t numbers = (before + size + width - 1) / width;
  std::string whole(static_cast<size_t>(numbers * width), '\0');
  CAIRN_RETURN_IF_ERROR(ReadBytes(tensor, slice, offset - before, absl::MakeSpan(whole)));
  ReverseEach(width, absl::MakeSpan(whole));
  whole.copy(out.data(), out.size(), static_cast<size_t>(before));
  return absl::OkStatus();
}

absl::Status BundleReader::ReadBytes(const BundleTensor& tensor, const BundleSlice& slice,
                                     int64_t offset, absl::Span<char> out) const {
  if (offset < 0 || offset > slice.size_bytes ||
      out.size() > static_cast<uint64_t>(slice.size_bytes - offset)) {
    return absl::OutOfRangeError(absl::StrCat("tensor ", tensor.key, ", slice ",
                                              ToString(slice.box), " of ", slice.size_bytes,
                                              " bytes has no ", out.size(), " bytes at ", offset));
  }
  if (out.empty()) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(const auto file, shards_->Open(slice.shard));
  absl::Status read = file->Read(slice.offset + offset, out);
  // The range lay inside the file when it was opened.
  if (absl::IsOutOfRange(read)) return Damaged(tensor, slice, "its data file has been cut");
  if (absl::IsDataLoss(read)) return Damaged(tensor, slice, read.message());
  return read;
}

absl::StatusOr<uint32_t> BundleReader::SumOf(const BundleTensor& tensor,
                                             const BundleSlice& slice) const {
  CAIRN_CHECK(tensor.encoding == BundleEncoding::kPlain);
  const int width = ReversedBytes(tensor);
  if (width == 1) return slice.crc32c;
  std::string piece;
  uint32_t in_file = 0;
  uint32_t reversed = 0;
  for (int64_t offset = 0; offset < slice.size_bytes; offset += kSumBytes) {
    piece.resize(static_cast<size_t>(std::min(kSumBytes, slice.size_bytes - offset)));
    CAIRN_RETURN_IF_ERROR(ReadBytes(tensor, slice, offset, absl::MakeSpan(piece)));
    in_file = ExtendCrc32c(in_file, piece);
    ReverseEach(width, absl::MakeSpan(piece));
    reversed = ExtendCrc32c(reversed, piece);
  }
  CAIRN_RETURN_IF_ERROR(CheckCrc32c(tensor, slice, in_file));
  return reversed;
}

absl::StatusOr<std::string> BundleReader::ReadWhole(const BundleTensor& tensor) const {
  CAIRN_CHECK(tensor.slices.size() == 1 && !tensor.partial);
  return ReadWhole(tensor, tensor.slices.front());
}

absl::StatusOr<std::string> BundleReader::ReadWhole(const BundleTensor& tensor,
                                                    const BundleSlice& slice) const {
  const int64_t count = Volume(slice.box);
  std::string bytes(static_cast<size_t>(slice.size_bytes), '\0');
  CAIRN_RETURN_IF_ERROR(ReadBytes(tensor, slice, 0, absl::MakeSpan(bytes)));
  switch (tensor.encoding) {
    case BundleEncoding::kPlain:
      CAIRN_RETURN_IF_ERROR(CheckCrc32c(tensor, slice, Crc32c(bytes)));
      ReverseEach(ReversedBytes(tensor), absl::MakeSpan(bytes));
      return bytes;
    case BundleEncoding::kString: {
      absl::StatusOr<std::string> strings =
          DecodeStringTensor(bytes, count, slice.crc32c, index_.byte_order);
      if (!strings.ok()) return Damaged(tensor, slice, strings.status().message());
      return strings;
    }
    case BundleEncoding::kVariant: {
      const absl::StatusOr<uint32_t> crc32c = VariantTensorCrc32c(bytes, count);
      if (!crc32c.ok()) return Damaged(tensor, slice, crc32c.status().message());
      CAIRN_RETURN_IF_ERROR(CheckCrc32c(tensor, slice, *crc32c));
      return bytes;
    }
    case BundleEncoding::kUnknown:
      return bytes;
  }
  return bytes;
}

absl::Status BundleReader::CheckCrc32c(const BundleTensor& tensor, const BundleSlice& slice,
                                       uint32_t crc32c) const {
  if (crc32c == slice.crc32c) return absl::OkStatus();
  return Damaged(
      tensor, slice,
      absl::StrCat("its checksum does not match: stored ", absl::Hex(slice.crc32c, absl::kZeroPad8),
                   ", read ", absl::Hex(crc32c, absl::kZeroPad8)));
}

absl::Status BundleReader::Damaged(const BundleTensor& tensor, const BundleSlice& slice,
                                   absl::string_view what) const {
  const std::string path = ShardPath(prefix_, slice.shard, num_shards_);
  const bool whole = slice.box == WholeBox(tensor.shape);
  return MakeError(
      ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
      absl::StrCat("damaged checkpoint ", prefix_, ", data file ", slice.shard, " of ", num_shards_,
                   ", tensor ", tensor.key,
                   whole ? "" : absl::StrCat(", slice ", ToString(slice.box)), ": ", what),
      {{"path", path}, {"key", tensor.key}});
}

}  // namespace cairn
