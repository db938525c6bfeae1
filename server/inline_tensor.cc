#include "server/inline_tensor.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/key_text.h"
#include "server/convert.h"
#include "server/element_bytes.h"

namespace cairn::server {
namespace {

absl::Status Wrong(absl::string_view field, absl::string_view part, const absl::Status& status) {
  return InvalidField(absl::StrCat(field, ".", part), status.message());
}

std::string DtypeOf(const v1::InlineTensor& tensor, storage::TensorKind kind) {
  if (!tensor.dtype().empty()) return tensor.dtype();
  if (kind == storage::TensorKind::kAttachment) return "bytes";
  return tensor.texts().empty() ? "float32" : "string";
}

absl::Status CheckOneSource(const v1::InlineTensor& tensor, absl::string_view field) {
  const int sources = (tensor.data().empty() ? 0 : 1) + (tensor.values().empty() ? 0 : 1) +
                      (tensor.texts().empty() ? 0 : 1);
  if (sources <= 1) return absl::OkStatus();
  return InvalidField(field, "gives more than one of data, values and texts; give one");
}

absl::StatusOr<std::string> BytesOf(const v1::InlineTensor& tensor, const std::string& dtype,
                                    const Dtype& info) {
  if (!tensor.values().empty()) {
    return BytesOfNumbers(dtype, absl::MakeConstSpan(tensor.values().data(), tensor.values_size()));
  }
  if (tensor.texts().empty()) return tensor.data();
  if (info.dtype_class == DtypeClass::kString) {
    return BytesOfTexts(absl::MakeConstSpan(tensor.texts().data(), tensor.texts_size()));
  }
  if (info.dtype_class == DtypeClass::kBytes && tensor.texts_size() == 1) return tensor.texts(0);
  return absl::InvalidArgumentError(
      absl::StrCat("texts are for the dtype string, one text for bytes, and not for ", dtype));
}

// How many elements are given; nullopt where only the shape can tell.
std::optional<int64_t> CountOf(const v1::InlineTensor& tensor, const Dtype& info) {
  if (!tensor.values().empty()) return tensor.values_size();
  if (!tensor.texts().empty()) return tensor.texts_size();
  if (IsFixedWidth(info) && static_cast<int64_t>(tensor.data().size()) % info.item_bytes == 0) {
    return static_cast<int64_t>(tensor.data().size()) / info.item_bytes;
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<int64_t>> ShapeOf(const v1::InlineTensor& tensor, const Dtype& info,
                                             absl::string_view field) {
  if (tensor.shape_size() > 0 || tensor.scalar() || info.dtype_class == DtypeClass::kBytes) {
    return std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
  }
  std::optional<int64_t> count = CountOf(tensor, info);
  if (!count.has_value()) {
    return InvalidField(absl::StrCat(field, ".shape"),
                        "is required here: the number of elements does not follow from the data");
  }
  return std::vector<int64_t>{*count};
}

// Compares what is given with what the box takes.
absl::Status CheckSize(const v1::InlineTensor& tensor, const Dtype& info, const InlineSlice& slice,
                       absl::string_view field) {
  const int64_t wanted = Volume(slice.spec.box);
  std::optional<int64_t> count = CountOf(tensor, info);
  if (info.dtype_class == DtypeClass::kBytes) return absl::OkStatus();
  if (count.has_value() && *count != wanted) {
    return InvalidField(
        field, absl::StrCat("gives ", *count, " elements where the box ", ToString(slice.spec.box),
                            " of the shape ", ShapeToString(slice.spec.shape), " has ", wanted));
  }
  if (!count.has_value() && IsFixedWidth(info)) {
    return InvalidField(absl::StrCat(field, ".data"),
                        absl::StrCat("has ", tensor.data().size(), " bytes, no multiple of the ",
                                     info.item_bytes, " that an element takes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InlineSlice> InlineSliceOf(const v1::InlineTensor& tensor, absl::string_view field) {
  InlineSlice slice;
  storage::SliceSpec& spec = slice.spec;
  absl::StatusOr<storage::TensorKind> kind = KindOf(tensor.kind());
  if (!kind.ok()) return Wrong(field, "kind", kind.status());
  spec.kind = *kind;
  spec.key = tensor.key();
  if (absl::Status key = ValidateKeyText(spec.key); !key.ok()) return Wrong(field, "key", key);
  spec.dtype = DtypeOf(tensor, spec.kind);
  std::optional<Dtype> info = FindDtype(spec.dtype);
  if (!info.has_value()) {
    return InvalidField(absl::StrCat(field, ".dtype"),
                        absl::StrCat("is '", spec.dtype,
                                     "', which is neither a dtype of numpy or "
                                     "ml_dtypes nor of the form \"<origin>:<name>\""));
  }
  CAIRN_RETURN_IF_ERROR(CheckOneSource(tensor, field));
  CAIRN_ASSIGN_OR_RETURN(spec.shape, ShapeOf(tensor, *info, field));
  if (absl::Status shape = ElementCount(spec.shape).status(); !shape.ok()) {
    return Wrong(field, "shape", shape);
  }
  absl::StatusOr<Box> box = ResolveBox(ExtentsOf(tensor.slice()), spec.shape);
  if (!box.ok()) return Wrong(field, "slice", box.status());
  spec.box = *std::move(box);
  absl::StatusOr<std::string> bytes = BytesOf(tensor, spec.dtype, *info);
  if (!bytes.ok()) {
    return Wrong(field, tensor.values().empty() ? "texts" : "values", bytes.status());
  }
  slice.bytes = *std::move(bytes);
  CAIRN_RETURN_IF_ERROR(CheckSize(tensor, *info, slice, field));
  return slice;
}

}  // namespace cairn::server
