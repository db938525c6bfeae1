#include "formats/tensor_bundle/dtype_map.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/dtype.h"

namespace cairn {
namespace {

constexpr char kPrefix[] = "tf:";
constexpr int32_t kString = 7;
constexpr int32_t kVariant = 21;

struct Named {
  int32_t number;
  absl::string_view name;
};

constexpr Named kNamed[] = {
    {1, "float32"},
    {2, "float64"},
    {3, "int32"},
    {4, "uint8"},
    {5, "int16"},
    {6, "int8"},
    {kString, "string"},
    {8, "complex64"},
    {9, "int64"},
    {10, "bool"},
    {14, "bfloat16"},
    {17, "uint16"},
    {18, "complex128"},
    {19, "float16"},
    {22, "uint32"},
    {23, "uint64"},
    {24, "float8_e5m2"},
    {25, "float8_e4m3fn"},
    {26, "float8_e4m3fnuz"},
    {27, "float8_e4m3b11fnuz"},
    {28, "float8_e5m2fnuz"},
    {29, "int4"},
    {30, "uint4"},
    {31, "int2"},
    {32, "uint2"},
    {33, "float4_e2m1fn"},
};

// Quantised integers have no name in numpy or ml_dtypes; their widths are known all the same.
int QuantisedItemBytes(int32_t number) {
  switch (number) {
    case 11:  // DT_QINT8
    case 12:  // DT_QUINT8
      return 1;
    case 15:  // DT_QINT16
    case 16:  // DT_QUINT16
      return 2;
    case 13:  // DT_QINT32
      return 4;
    default:
      return 0;
  }
}

}  // namespace

std::optional<BundleDtype> BundleDtypeFromNumber(int32_t number) {
  if (number <= 0) return std::nullopt;
  for (const Named& named : kNamed) {
    if (named.number != number) continue;
    const std::string name(named.name);
    if (number == kString) return BundleDtype{name, BundleEncoding::kString, 0};
    return BundleDtype{name, BundleEncoding::kPlain, FindDtype(name)->item_bytes};
  }
  const std::string name = absl::StrCat(kPrefix, number);
  if (number == kVariant) return BundleDtype{name, BundleEncoding::kVariant, 0};
  const int item_bytes = QuantisedItemBytes(number);
  return BundleDtype{name, item_bytes > 0 ? BundleEncoding::kPlain : BundleEncoding::kUnknown,
                     item_bytes};
}

std::optional<int32_t> BundleDtypeNumber(absl::string_view name) {
  for (const Named& named : kNamed) {
    if (named.name == name) return named.number;
  }
  absl::string_view digits = name;
  int32_t number = 0;
  if (!absl::ConsumePrefix(&digits, kPrefix) || !absl::SimpleAtoi(digits, &number)) {
    return std::nullopt;
  }
  // One spelling for each type: "tf:1" is float32, "tf:021" nothing.
  const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(number);
  if (!dtype.has_value() || dtype->name != name) return std::nullopt;
  return number;
}

}  // namespace cairn
