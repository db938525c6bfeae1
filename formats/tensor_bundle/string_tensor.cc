#include "formats/tensor_bundle/string_tensor.h"

#include <cstddef>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

constexpr size_t kOurLengthBytes = 8;
constexpr int kChecksumBytes = 4;

// The `width` bytes of `value` as a machine of that byte order has them.
std::string FixedBytes(uint64_t value, int width, ByteOrder byte_order) {
  std::string bytes;
  AppendFixed(value, width, &bytes);
  if (byte_order == ByteOrder::kBig) ReverseEach(width, absl::MakeSpan(bytes));
  return bytes;
}

// TensorFlow sums a length as 4 bytes where it fits, else as 8.
uint32_t ExtendWithLength(uint32_t crc, uint64_t length, ByteOrder byte_order) {
  const int width = length <= std::numeric_limits<uint32_t>::max() ? 4 : 8;
  return ExtendCrc32c(crc, FixedBytes(length, width, byte_order));
}

// The sum of an entry: the lengths', their checksum as it is stored, the strings.
uint32_t EntryCrc32c(uint32_t crc_of_lengths, absl::string_view strings, ByteOrder byte_order) {
  const std::string stored = FixedBytes(MaskCrc32c(crc_of_lengths), kChecksumBytes, byte_order);
  return ExtendCrc32c(ExtendCrc32c(crc_of_lengths, stored), strings);
}

absl::Status Damaged(absl::string_view what) {
  return MakeError(
      ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
      absl::StrCat("damaged string tensor: ", what, "; restore the file from another copy"));
}

absl::Status NotStrings(int64_t count, absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_INVALID_FIELD, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("cannot write a string tensor of ", count, " elements: ", what));
}

}  // namespace

absl::StatusOr<std::string> DecodeStringTensor(absl::string_view file_bytes, int64_t count,
                                               uint32_t crc32c, ByteOrder byte_order) {
  // Each string takes at least the one byte of its length.
  if (count < 0 || static_cast<uint64_t>(count) > file_bytes.size()) {
    return Damaged(absl::StrCat(file_bytes.size(), " bytes cannot hold ", count, " strings"));
  }
  std::string ours;
  uint32_t crc_of_lengths = 0;
  uint64_t strings_bytes = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    if (!ConsumeVarint(&file_bytes, &length) || length > file_bytes.size()) {
      return Damaged(absl::StrCat("the length of string ", i, " is cut off or too large"));
    }
    // Cannot overflow: every length is below the size of the file, and so is their number.
    strings_bytes += length;
    if (strings_bytes > file_bytes.size()) return Damaged("the strings are longer than the tensor");
    crc_of_lengths = ExtendWithLength(crc_of_lengths, length, byte_order);
    AppendFixed(length, kOurLengthBytes, &ours);
  }
  uint32_t stored = 0;
  if (!ConsumeFixed32(&file_bytes, &stored)) return Damaged("it ends before the lengths' checksum");
  if (byte_order == ByteOrder::kBig) stored = __builtin_bswap32(stored);
  if (UnmaskCrc32c(stored) != crc_of_lengths)
    return Damaged("the lengths' checksum does not match");
  if (file_bytes.size() != strings_bytes) {
    return Damaged(absl::StrCat("the lengths add up to ", strings_bytes,
                                " bytes, the strings have ", file_bytes.size()));
  }
  if (EntryCrc32c(crc_of_lengths, file_bytes, byte_order) != crc32c) {
    return Damaged("the checksum does not match");
  }
  absl::StrAppend(&ours, file_bytes);
  return ours;
}

absl::StatusOr<EncodedStrings> EncodeStringTensor(absl::string_view bytes, int64_t count) {
  if (count < 0 || static_cast<uint64_t>(count) > bytes.size() / kOurLengthBytes) {
    return NotStrings(count, absl::StrCat(bytes.size(), " bytes are too few"));
  }
  const absl::string_view lengths = bytes.substr(0, count * kOurLengthBytes);
  const absl::string_view strings = bytes.substr(lengths.size());
  EncodedStrings encoded;
  uint32_t crc_of_lengths = 0;
  uint64_t left = strings.size();
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t length = DecodeFixed(lengths.substr(i * kOurLengthBytes, kOurLengthBytes));
    if (length > left) return NotStrings(count, absl::StrCat("string ", i, " passes the end"));
    left -= length;
    crc_of_lengths = ExtendWithLength(crc_of_lengths, length, ByteOrder::kLittle);
    AppendVarint(length, &encoded.bytes);
  }
  if (left > 0) return NotStrings(count, absl::StrCat(left, " bytes follow the last string"));
  AppendFixed(MaskCrc32c(crc_of_lengths), kChecksumBytes, &encoded.bytes);
  absl::StrAppend(&encoded.bytes, strings);
  encoded.crc32c = EntryCrc32c(crc_of_lengths, strings, ByteOrder::kLittle);
  return encoded;
}

}  // namespace cairn
