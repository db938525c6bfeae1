#include "formats/tensor_bundle/tensor_size.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/error.h"

namespace cairn {
namespace {

// Of strings: a length each and one checksum. Of variants: a length and a checksum each.
constexpr int64_t kLengthBytes = 1;
constexpr int64_t kChecksumBytes = 4;

absl::Status CheckAtLeast(int64_t size_bytes, int64_t fixed_bytes, int64_t each_bytes,
                          int64_t count) {
  if (size_bytes >= fixed_bytes && (size_bytes - fixed_bytes) / each_bytes >= count) {
    return absl::OkStatus();
  }
  return InvalidField("size", absl::StrCat("is ", size_bytes, " bytes, too few for ", count,
                                           " elements of variable length"));
}

}  // namespace

absl::Status CheckTensorSize(const BundleDtype& dtype, absl::Span<const int64_t> shape,
                             int64_t size_bytes) {
  CAIRN_ASSIGN_OR_RETURN(const int64_t count, ElementCount(shape));
  switch (dtype.encoding) {
    case BundleEncoding::kPlain: {
      CAIRN_ASSIGN_OR_RETURN(const int64_t bytes, ByteCount(shape, dtype.item_bytes));
      if (size_bytes == bytes) return absl::OkStatus();
      return InvalidField("size", absl::StrCat("is ", size_bytes, " bytes, but ", dtype.name,
                                               ShapeToString(shape), " takes ", bytes));
    }
    case BundleEncoding::kString:
      return CheckAtLeast(size_bytes, kChecksumBytes, kLengthBytes, count);
    case BundleEncoding::kVariant:
      return CheckAtLeast(size_bytes, 0, kLengthBytes + kChecksumBytes, count);
    case BundleEncoding::kUnknown:
      break;
  }
  return CheckAtLeast(size_bytes, 0, 1, 0);
}

}  // namespace cairn
