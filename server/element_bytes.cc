#include "server/element_bytes.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/cast.h"
#include "base/dtype.h"
#include "base/error.h"

namespace cairn::server {
namespace {

absl::Status CannotHold(absl::string_view dtype, double value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(dtype, " cannot hold ", value, ", ", why));
}

// "int4" has 4 bits, "uint16" has 16. Requires: an integer dtype.
int BitsOf(absl::string_view dtype) {
  int bits = 0;
  CAIRN_CHECK(absl::SimpleAtoi(dtype.substr(dtype.find("int") + 3), &bits));
  return bits;
}

absl::Status AppendInteger(absl::string_view dtype, const Dtype& info, double value,
                           std::string* out) {
  const bool is_signed = info.dtype_class == DtypeClass::kSigned;
  const int bits = BitsOf(dtype);
  // Powers of two are exact as doubles, so the open upper end needs no rounding.
  const double end = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  const double begin = is_signed ? -end : 0.0;
  if (!(value >= begin && value < end))
    return CannotHold(dtype, value, "which is out of its range");
  if (value != std::trunc(value)) return CannotHold(dtype, value, "which is not a whole number");
  const uint64_t number =
      value < 0 ? static_cast<uint64_t>(static_cast<int64_t>(value)) : static_cast<uint64_t>(value);
  AppendLittleEndian(number, info.item_bytes, out);
  return absl::OkStatus();
}

absl::Status AppendReal(absl::string_view dtype, double value, std::string* out) {
  const size_t before = out->size();
  CastElements("float64", dtype,
               absl::string_view(reinterpret_cast<const char*>(&value), sizeof(value)), out);
  if (!std::isfinite(value)) return absl::OkStatus();
  const double kept = ElementAsDouble(dtype, absl::string_view(*out).substr(before), 0);
  if (!std::isfinite(kept)) return CannotHold(dtype, value, "which is out of its range");
  return absl::OkStatus();
}

absl::Status AppendNumber(absl::string_view dtype, const Dtype& info, double value,
                          std::string* out) {
  switch (info.dtype_class) {
    case DtypeClass::kBool:
      if (value != 0 && value != 1) return CannotHold(dtype, value, "only 0 and 1");
      out->push_back(static_cast<char>(value));
      return absl::OkStatus();
    case DtypeClass::kSigned:
    case DtypeClass::kUnsigned:
      return AppendInteger(dtype, info, value, out);
    case DtypeClass::kReal:
      return AppendReal(dtype, value, out);
    case DtypeClass::kComplex: {
      const absl::string_view component = info.item_bytes == 8 ? "float32" : "float64";
      CAIRN_RETURN_IF_ERROR(AppendReal(component, value, out));
      return AppendReal(component, 0.0, out);
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("the dtype ", dtype, " has no numbers; give data or texts"));
  }
}

}  // namespace

absl::StatusOr<std::string> BytesOfNumbers(absl::string_view dtype,
                                           absl::Span<const double> values) {
  std::optional<Dtype> info = FindDtype(dtype);
  if (!info.has_value())
    return absl::InvalidArgumentError(absl::StrCat("no dtype is called ", dtype));
  std::string bytes;
  bytes.reserve(values.size() * info->item_bytes);
  for (double value : values) {
    CAIRN_RETURN_IF_ERROR(AppendNumber(dtype, *info, value, &bytes));
  }
  return bytes;
}

std::string BytesOfTexts(absl::Span<const std::string* const> texts) {
  std::string bytes;
  for (const std::string* text : texts) AppendLittleEndian(text->size(), 8, &bytes);
  for (const std::string* text : texts) bytes += *text;
  return bytes;
}

void AppendLittleEndian(uint64_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
}

}  // namespace cairn::server
