#include "base/dtype.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace cairn {
namespace {

constexpr size_t kMaxNameBytes = 64;

struct NamedDtype {
  absl::string_view name;
  Dtype dtype;
};

constexpr NamedDtype kDtypes[] = {
    {"bool", {DtypeClass::kBool, 1}},           {"int2", {DtypeClass::kSigned, 1}},
    {"int4", {DtypeClass::kSigned, 1}},         {"int8", {DtypeClass::kSigned, 1}},
    {"int16", {DtypeClass::kSigned, 2}},        {"int32", {DtypeClass::kSigned, 4}},
    {"int64", {DtypeClass::kSigned, 8}},        {"uint2", {DtypeClass::kUnsigned, 1}},
    {"uint4", {DtypeClass::kUnsigned, 1}},      {"uint8", {DtypeClass::kUnsigned, 1}},
    {"uint16", {DtypeClass::kUnsigned, 2}},     {"uint32", {DtypeClass::kUnsigned, 4}},
    {"uint64", {DtypeClass::kUnsigned, 8}},     {"float64", {DtypeClass::kReal, 8}},
    {"float32", {DtypeClass::kReal, 4}},        {"float16", {DtypeClass::kReal, 2}},
    {"bfloat16", {DtypeClass::kReal, 2}},       {"float8_e3m4", {DtypeClass::kReal, 1}},
    {"float8_e4m3", {DtypeClass::kReal, 1}},    {"float8_e4m3b11fnuz", {DtypeClass::kReal, 1}},
    {"float8_e4m3fn", {DtypeClass::kReal, 1}},  {"float8_e4m3fnuz", {DtypeClass::kReal, 1}},
    {"float8_e5m2", {DtypeClass::kReal, 1}},    {"float8_e5m2fnuz", {DtypeClass::kReal, 1}},
    {"float8_e8m0fnu", {DtypeClass::kReal, 1}}, {"float4_e2m1fn", {DtypeClass::kReal, 1}},
    {"complex64", {DtypeClass::kComplex, 8}},   {"complex128", {DtypeClass::kComplex, 16}},
    {"string", {DtypeClass::kString, 0}},       {"bytes", {DtypeClass::kBytes, 0}},
};

// [a-z][a-z0-9_]*:[A-Za-z0-9_.-]+
bool IsOpaqueName(absl::string_view name) {
  const size_t colon = name.find(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == name.size()) return false;
  const absl::string_view origin = name.substr(0, colon);
  const absl::string_view rest = name.substr(colon + 1);
  return absl::ascii_islower(origin[0]) &&
         std::all_of(origin.begin(), origin.end(),
                     [](unsigned char c) {
                       return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
                     }) &&
         std::all_of(rest.begin(), rest.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

}  // namespace

std::optional<Dtype> FindDtype(absl::string_view name) {
  if (name.size() > kMaxNameBytes) return std::nullopt;
  for (const NamedDtype& known : kDtypes) {
    if (known.name == name) return known.dtype;
  }
  if (IsOpaqueName(name)) return Dtype{DtypeClass::kOpaque, 0};
  return std::nullopt;
}

}  // namespace cairn
