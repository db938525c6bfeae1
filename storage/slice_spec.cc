#include "storage/slice_spec.h"

#include "absl/strings/str_cat.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn::storage {
namespace {

absl::Status ValidateBox(const Box& box, const std::vector<int64_t>& shape) {
  if (box.start.size() != shape.size() || box.length.size() != shape.size()) {
    return InvalidField("slice",
                        absl::StrCat("has ", box.start.size(), " starts and ", box.length.size(),
                                     " lengths for the shape ", ShapeToString(shape)));
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    // In this order, no difference can overflow.
    const bool inside = box.start[d] >= 0 && box.start[d] <= shape[d] && box.length[d] >= 0 &&
                        box.length[d] <= shape[d] - box.start[d];
    if (inside) continue;
    return InvalidField("slice",
                        absl::StrCat("starts at ", box.start[d], " with length ", box.length[d],
                                     " in dimension ", d, ", outside of ", ShapeToString(shape)));
  }
  return absl::OkStatus();
}

// The bytes dtype is for attachments and the like: one byte string.
absl::Status ValidateDtype(const SliceSpec& slice, const Dtype& dtype) {
  const bool is_bytes = dtype.dtype_class == DtypeClass::kBytes;
  if (slice.kind == TensorKind::kAttachment && !is_bytes) {
    return InvalidField("dtype", absl::StrCat("is ", slice.dtype,
                                              "; an attachment is of dtype bytes and shape []"));
  }
  if (is_bytes && !slice.shape.empty()) {
    return InvalidField("shape", absl::StrCat("is ", ShapeToString(slice.shape),
                                              "; dtype bytes is one byte string, of shape []"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> ValidateSlice(const SliceSpec& slice) {
  if (slice.kind != TensorKind::kAttachment && slice.kind != TensorKind::kTensor) {
    return InvalidField("kind", "is neither a tensor nor an attachment");
  }
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(slice.key));
  const std::optional<Dtype> dtype = FindDtype(slice.dtype);
  if (!dtype) {
    return InvalidField("dtype",
                        absl::StrCat("\"", slice.dtype,
                                     "\" is not known; spell it as numpy and ml_dtypes do, "
                                     "or <origin>:<name> for an opaque one"));
  }
  CAIRN_RETURN_IF_ERROR(ValidateDtype(slice, *dtype));
  CAIRN_RETURN_IF_ERROR(ElementCount(slice.shape).status());
  CAIRN_RETURN_IF_ERROR(ValidateBox(slice.box, slice.shape));
  if (!IsFixedWidth(*dtype)) return std::nullopt;
  CAIRN_RETURN_IF_ERROR(ByteCount(slice.shape, dtype->item_bytes).status());
  CAIRN_ASSIGN_OR_RETURN(const int64_t bytes, ByteCount(slice.box.length, dtype->item_bytes));
  if (bytes > kMaxSliceBytes) {
    return InvalidField("slice", absl::StrCat("has ", bytes, " bytes; a slice has up to ",
                                              kMaxSliceBytes, ": save it as several"));
  }
  return bytes;
}

absl::Status ValidatePartStart(const SliceSpec& slice, int64_t offset,
                               std::optional<int64_t> slice_bytes) {
  const int64_t end = slice_bytes.value_or(kMaxSliceBytes);
  const bool inside = offset == 0 || (offset > 0 && offset < end);
  if (inside && offset % kPartBytes == 0) return absl::OkStatus();
  return InvalidField(
      "offset", absl::StrCat("is ", offset, " for slice ", ToString(slice.box), " of ", slice.key,
                             "; begin at a multiple of ", kPartBytes, " below its ", end,
                             " bytes and go on without gaps"));
}

absl::Status ValidateVariableBytes(const SliceSpec& slice, int64_t slice_bytes) {
  const int64_t elements = Volume(slice.box);
  const bool is_string = FindDtype(slice.dtype)->dtype_class == DtypeClass::kString;
  const bool fits = is_string ? elements <= slice_bytes / 8 : true;
  if (fits && (elements > 0 || slice_bytes == 0)) return absl::OkStatus();
  return InvalidField("bytes", absl::StrCat("end after ", slice_bytes, " in slice ",
                                            ToString(slice.box), " of ", slice.key, ", which has ",
                                            elements, " elements of dtype ", slice.dtype));
}

}  // namespace cairn::storage
