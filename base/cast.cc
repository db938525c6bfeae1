#include "base/cast.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/small_float.h"

namespace cairn {
namespace {

// Elements go from one dtype to another through a block of int64 or of doubles: so there is one
// function in and one out per dtype instead of one per pair.
constexpr int kBlockElements = 512;

template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <typename T>
void Store(T value, char* bytes) {
  std::memcpy(bytes, &value, sizeof(T));
}

// Element of `kBits` bits in the low end of a T.
template <typename T, int kBits>
T LoadInteger(const char* bytes) {
  constexpr int kUnused = 8 * sizeof(T) - kBits;
  const auto shifted =
      static_cast<std::make_unsigned_t<T>>(Load<std::make_unsigned_t<T>>(bytes) << kUnused);
  return static_cast<T>(static_cast<T>(shifted) >> kUnused);
}

// An integer as a double that rounds to narrower formats as the integer itself would: the last bit
// is odd where bits were lost, which no later tie can mistake. Doubles hold 53 bits, the others at
// most 24.
template <typename T>
double ToOddDouble(T value) {
  constexpr uint64_t kDroppedBits = 0x7ff;
  const bool negative = value < 0;
  uint64_t magnitude = negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (magnitude >> 53) {
    const uint64_t odd = (magnitude & kDroppedBits) ? kDroppedBits + 1 : 0;
    magnitude = (magnitude & ~kDroppedBits) | odd;
  }
  return negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude);
}

// How the elements of one dtype are read and written. What a dtype lacks is null.
struct Codec {
  absl::string_view name;
  int value_bits;  // of integers
  void (*to_integers)(const char* in, int count, int64_t* out);
  void (*from_integers)(const int64_t* in, int count, char* out);
  void (*to_doubles)(const char* in, int count, double* out);
  void (*to_odd_doubles)(const char* in, int count, double* out);
  void (*from_doubles)(const double* in, int count, char* out);
};

template <typename T, int kBits>
constexpr Codec IntegerCodec(absl::string_view name) {
  return {
      .name = name,
      .value_bits = kBits,
      .to_integers =
          [](const char* in, int count, int64_t* out) {
            for (int i = 0; i < count; ++i, in += sizeof(T)) {
              out[i] = static_cast<int64_t>(LoadInteger<T, kBits>(in));
            }
          },
      .from_integers =
          [](const int64_t* in, int count, char* out) {
            constexpr uint64_t kMask = ~uint64_t{0} >> (64 - kBits);
            for (int i = 0; i < count; ++i, out += sizeof(T)) {
              Store(static_cast<T>(static_cast<uint64_t>(in[i]) & kMask), out);
            }
          },
      .to_doubles =
          [](const char* in, int count, double* out) {
            for (int i = 0; i < count; ++i, in += sizeof(T)) {
              out[i] = static_cast<double>(LoadInteger<T, kBits>(in));
            }
          },
      .to_odd_doubles =
          [](const char* in, int count, double* out) {
            for (int i = 0; i < count; ++i, in += sizeof(T)) {
              out[i] = ToOddDouble(LoadInteger<T, kBits>(in));
            }
          },
      .from_doubles = nullptr,
  };
}

// `Code` is the integer that holds a code; kDecode and kEncode take it to a double and back.
template <typename Code, auto kDecode, auto kEncode>
constexpr Codec RealCodec(absl::string_view name) {
  constexpr auto kToDoubles = [](const char* in, int count, double* out) {
    for (int i = 0; i < count; ++i, in += sizeof(Code)) out[i] = kDecode(Load<Code>(in));
  };
  return {
      .name = name,
      .value_bits = 0,
      .to_integers = nullptr,
      .from_integers = nullptr,
      .to_doubles = kToDoubles,
      .to_odd_doubles = kToDoubles,
      .from_doubles =
          [](const double* in, int count, char* out) {
            for (int i = 0; i < count; ++i, out += sizeof(Code)) {
              Store(static_cast<Code>(kEncode(in[i])), out);
            }
          },
  };
}

double Same(double value) { return value; }
double Widen(float value) { return value; }
float Narrow(double value) { return static_cast<float>(value); }

// ml_dtypes takes every number to its own formats by way of float32, so that some are rounded
// twice.
template <auto kEncode>
uint32_t EncodeNarrowed(double value) {
  return kEncode(Widen(Narrow(value)));
}

template <typename Code, FloatFormat kFormat>
constexpr Codec MlDtypesCodec(absl::string_view name) {
  return RealCodec<Code, DecodeSmallFloat<kFormat>, EncodeNarrowed<EncodeSmallFloat<kFormat>>>(
      name);
}

// Any byte but 0 is true.
constexpr Codec BoolCodec() {
  Codec codec = IntegerCodec<uint8_t, 1>("bool");
  codec.to_integers = [](const char* in, int count, int64_t* out) {
    for (int i = 0; i < count; ++i) out[i] = in[i] != 0;
  };
  codec.to_doubles = [](const char* in, int count, double* out) {
    for (int i = 0; i < count; ++i) out[i] = in[i] != 0;
  };
  codec.to_odd_doubles = codec.to_doubles;
  return codec;
}

constexpr Codec kCodecs[] = {
    BoolCodec(),
    IntegerCodec<int8_t, 2>("int2"),
    IntegerCodec<int8_t, 4>("int4"),
    IntegerCodec<int8_t, 8>("int8"),
    IntegerCodec<int16_t, 16>("int16"),
    IntegerCodec<int32_t, 32>("int32"),
    IntegerCodec<int64_t, 64>("int64"),
    IntegerCodec<uint8_t, 2>("uint2"),
    IntegerCodec<uint8_t, 4>("uint4"),
    IntegerCodec<uint8_t, 8>("uint8"),
    IntegerCodec<uint16_t, 16>("uint16"),
    IntegerCodec<uint32_t, 32>("uint32"),
    IntegerCodec<uint64_t, 64>("uint64"),
    RealCodec<double, Same, Same>("float64"),
    RealCodec<float, Widen, Narrow>("float32"),
    RealCodec<uint16_t, DecodeSmallFloat<kFloat16>, EncodeSmallFloat<kFloat16>>("float16"),
    MlDtypesCodec<uint16_t, kBfloat16>("bfloat16"),
    MlDtypesCodec<uint8_t, kFloat8E3m4>("float8_e3m4"),
    MlDtypesCodec<uint8_t, kFloat8E4m3>("float8_e4m3"),
    MlDtypesCodec<uint8_t, kFloat8E4m3b11fnuz>("float8_e4m3b11fnuz"),
    MlDtypesCodec<uint8_t, kFloat8E4m3fn>("float8_e4m3fn"),
    MlDtypesCodec<uint8_t, kFloat8E4m3fnuz>("float8_e4m3fnuz"),
    MlDtypesCodec<uint8_t, kFloat8E5m2>("float8_e5m2"),
    MlDtypesCodec<uint8_t, kFloat8E5m2fnuz>("float8_e5m2fnuz"),
    RealCodec<uint8_t, DecodeE8m0, EncodeNarrowed<EncodeE8m0>>("float8_e8m0fnu"),
    MlDtypesCodec<uint8_t, kFloat4E2m1fn>("float4_e2m1fn"),
};

// Requires: the dtype is a bool, an integer or real.
const Codec& CodecOf(absl::string_view dtype) {
  const Codec* codec = std::find_if(std::begin(kCodecs), std::end(kCodecs),
                                    [&](const Codec& known) { return known.name == dtype; });
  CAIRN_CHECK(codec != std::end(kCodecs));
  return *codec;
}

bool IsInteger(const Dtype& dtype) {
  return dtype.dtype_class == DtypeClass::kSigned || dtype.dtype_class == DtypeClass::kUnsigned;
}

// Whether every number of the first integer type or bool is one of the second, a different integer
// type.
bool Widens(absl::string_view from, absl::string_view to) {
  const DtypeClass from_class = FindDtype(from)->dtype_class;
  const DtypeClass to_class = FindDtype(to)->dtype_class;
  if (from_class == DtypeClass::kBool) return true;
  if (from_class == DtypeClass::kSigned && to_class == DtypeClass::kUnsigned) return false;
  return CodecOf(from).value_bits < CodecOf(to).value_bits;
}

bool MayCast(absl::string_view from_name, absl::string_view to_name) {
  const std::optional<Dtype> from = FindDtype(from_name), to = FindDtype(to_name);
  if (!from || !to) return false;
  if (from_name == to_name) return true;
  const bool from_integer = from->dtype_class == DtypeClass::kBool || IsInteger(*from);
  if (to->dtype_class == DtypeClass::kReal)
    return from_integer || from->dtype_class == DtypeClass::kReal;
  return from_integer && IsInteger(*to) && Widens(from_name, to_name);
}

// The dtype of a complex one's two parts.
absl::string_view PartOf(absl::string_view complex_dtype) {
  return complex_dtype == "complex64" ? "float32" : "float64";
}

// The shortest text that reads back as the same number.
std::string RealAsText(absl::string_view dtype, const char* bytes) {
  double value;
  CodecOf(dtype).to_doubles(bytes, 1, &value);
  if (std::isnan(value)) return "nan";
  char text[32];  // the longest is 24 characters
  const std::to_chars_result end =
      dtype == "float64" ? std::to_chars(text, std::end(text), value)
                         : std::to_chars(text, std::end(text), static_cast<float>(value));
  return std::string(text, end.ptr);
}

std::string IntegerAsText(absl::string_view dtype, const char* bytes) {
  int64_t value;
  CodecOf(dtype).to_integers(bytes, 1, &value);
  if (dtype == "uint64") return absl::StrCat(static_cast<uint64_t>(value));
  return absl::StrCat(value);
}

// Requires: `bytes` holds the element.
const char* ElementAt(absl::string_view bytes, const Dtype& dtype, int64_t index) {
  CAIRN_CHECK(IsFixedWidth(dtype) && index >= 0);
  CAIRN_CHECK(index < static_cast<int64_t>(bytes.size()) / dtype.item_bytes);
  return bytes.data() + index * dtype.item_bytes;
}

}  // namespace

absl::Status ValidateCast(absl::string_view from, absl::string_view to) {
  if (MayCast(from, to)) return absl::OkStatus();
  return InvalidField(
      "dtype", absl::StrCat("cannot cast ", from, " to ", to,
                            "; bool and integers become wider integers or real types, real types "
                            "become other real types"));
}

void CastElements(absl::string_view from, absl::string_view to, absl::string_view bytes,
                  std::string* out) {
  if (from == to) {
    out->append(bytes.data(), bytes.size());
    return;
  }
  const Codec& source = CodecOf(from);
  const Codec& target = CodecOf(to);
  const int from_bytes = FindDtype(from)->item_bytes;
  const int to_bytes = FindDtype(to)->item_bytes;
  CAIRN_CHECK(bytes.size() % from_bytes == 0);
  int64_t left = static_cast<int64_t>(bytes.size()) / from_bytes;
  const size_t before = out->size();
  out->resize(before + left * to_bytes);
  // Only float64 takes doubles as they are; every other target rounds them.
  const auto to_doubles = to == "float64" ? source.to_doubles : source.to_odd_doubles;
  const char* in = bytes.data();
  char* put = out->data() + before;
  while (left > 0) {
    const int count = static_cast<int>(std::min<int64_t>(left, kBlockElements));
    if (target.from_integers != nullptr) {
      int64_t block[kBlockElements];
      source.to_integers(in, count, block);
      target.from_integers(block, count, put);
    } else {
      double block[kBlockElements];
      to_doubles(in, count, block);
      target.from_doubles(block, count, put);
    }
    in += int64_t{count} * from_bytes;
    put += int64_t{count} * to_bytes;
    left -= count;
  }
}

double ElementAsDouble(absl::string_view dtype_name, absl::string_view bytes, int64_t index) {
  const Dtype dtype = FindDtype(dtype_name).value();
  const char* element = ElementAt(bytes, dtype, index);
  const bool complex = dtype.dtype_class == DtypeClass::kComplex;
  double value;
  CodecOf(complex ? PartOf(dtype_name) : dtype_name).to_doubles(element, 1, &value);
  return value;
}

std::string ElementAsText(absl::string_view dtype_name, absl::string_view bytes, int64_t index) {
  const Dtype dtype = FindDtype(dtype_name).value();
  const char* element = ElementAt(bytes, dtype, index);
  switch (dtype.dtype_class) {
    case DtypeClass::kBool:
      return *element != 0 ? "true" : "false";
    case DtypeClass::kReal:
      return RealAsText(dtype_name, element);
    case DtypeClass::kComplex: {
      const absl::string_view part = PartOf(dtype_name);
      const std::string imaginary = RealAsText(part, element + dtype.item_bytes / 2);
      const absl::string_view plus = imaginary[0] == '-' ? "" : "+";
      return absl::StrCat(RealAsText(part, element), plus, imaginary, "j");
    }
    default:
      return IntegerAsText(dtype_name, element);
  }
}

}  // namespace cairn
