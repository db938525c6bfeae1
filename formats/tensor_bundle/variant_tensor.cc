#include "formats/tensor_bundle/variant_tensor.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "formats/tensor_bundle/coding.h"

namespace cairn {
namespace {

absl::Status Damaged(int64_t element, absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
                   absl::StrCat("damaged variant tensor: element ", element, ": ", what,
                                "; restore the file from another copy"));
}

}  // namespace

absl::StatusOr<uint32_t> VariantTensorCrc32c(absl::string_view file_bytes, int64_t count) {
  uint32_t crc = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    if (!ConsumeVarint(&file_bytes, &length) || length > file_bytes.size()) {
      return Damaged(i, "its length is cut off or too large");
    }
    std::string summed_length;
    AppendFixed(length, 8, &summed_length);
    crc = ExtendCrc32c(ExtendCrc32c(crc, summed_length), file_bytes.substr(0, length));
    file_bytes.remove_prefix(length);
    const absl::string_view stored_bytes = file_bytes.substr(0, 4);
    uint32_t stored = 0;
    if (!ConsumeFixed32(&file_bytes, &stored)) return Damaged(i, "it ends before its checksum");
    if (UnmaskCrc32c(stored) != crc) return Damaged(i, "its checksum does not match");
    crc = ExtendCrc32c(crc, stored_bytes);
  }
  if (!file_bytes.empty()) {
    return Damaged(count, absl::StrCat(file_bytes.size(), " bytes follow the last one"));
  }
  return crc;
}

}  // namespace cairn
