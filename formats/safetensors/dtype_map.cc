#include "formats/safetensors/dtype_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/dtype.h"

namespace cairn {
namespace {

constexpr absl::string_view kOpaque = "safetensors:";

struct KnownDtype {
  absl::string_view name;
  int bits;
  absl::string_view ours;  // empty: opaque
};

// By rank, in the order of the reference implementation's enumeration.
constexpr KnownDtype kDtypes[] = {
    {"BOOL", 8, "bool"},
    {"F4", 4, ""},
    {"F6_E2M3", 6, ""},
    {"F6_E3M2", 6, ""},
    {"U8", 8, "uint8"},
    {"I8", 8, "int8"},
    {"F8_E5M2", 8, "float8_e5m2"},
    {"F8_E4M3", 8, "float8_e4m3fn"},
    {"F8_E8M0", 8, "float8_e8m0fnu"},
    {"F8_E4M3FNUZ", 8, "float8_e4m3fnuz"},
    {"F8_E5M2FNUZ", 8, "float8_e5m2fnuz"},
    {"I16", 16, "int16"},
    {"U16", 16, "uint16"},
    {"F16", 16, "float16"},
    {"BF16", 16, "bfloat16"},
    {"I32", 32, "int32"},
    {"U32", 32, "uint32"},
    {"F32", 32, "float32"},
    {"C64", 64, "complex64"},
    {"F64", 64, "float64"},
    {"I64", 64, "int64"},
    {"U64", 64, "uint64"},
};

const KnownDtype* FindName(absl::string_view name) {
  const auto* found = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const KnownDtype& known) { return known.name == name; });
  return found == std::end(kDtypes) ? nullptr : found;
}

}  // namespace

std::optional<SafetensorsDtype> SafetensorsDtypeFromName(absl::string_view name) {
  const KnownDtype* known = FindName(name);
  if (known != nullptr && !known->ours.empty()) {
    return SafetensorsDtype{std::string(known->ours), known->bits};
  }
  std::string opaque = absl::StrCat(kOpaque, name);
  if (!FindDtype(opaque).has_value()) return std::nullopt;
  return SafetensorsDtype{std::move(opaque), known == nullptr ? 0 : known->bits};
}

std::optional<std::string> SafetensorsDtypeName(absl::string_view dtype) {
  for (const KnownDtype& known : kDtypes) {
    if (!known.ours.empty() && known.ours == dtype) return std::string(known.name);
  }
  absl::string_view name = dtype;
  if (!absl::ConsumePrefix(&name, kOpaque)) return std::nullopt;
  // "safetensors:F32" would come back as float32.
  const std::optional<SafetensorsDtype> back = SafetensorsDtypeFromName(name);
  if (!back.has_value() || back->name != dtype) return std::nullopt;
  return std::string(name);
}

int SafetensorsRank(absl::string_view name) {
  const KnownDtype* known = FindName(name);
  return known == nullptr ? 0 : static_cast<int>(known - std::begin(kDtypes)) + 1;
}

}  // namespace cairn
