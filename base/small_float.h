// Floating-point formats below 32 bits: their codes to doubles, which hold every one of them
// exactly, and back with a single rounding, to nearest even. Pure functions.
#ifndef CAIRN_BASE_SMALL_FLOAT_H_
#define CAIRN_BASE_SMALL_FLOAT_H_

#include <bit>
#include <cstdint>
#include <limits>

namespace cairn {

// Which codes are no finite numbers, and so where numbers go that are too large.
enum class Specials {
  kIeee,  // the highest exponent: infinity, and NaN
  kFn,    // all ones is NaN; no infinity
  kFnuz,  // the code of -0 is NaN; no infinity, no -0
  kNone,  // neither: what is too large becomes the largest, NaN becomes 0
};

struct FloatFormat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  Specials specials;

  // Parts of a code.
  constexpr uint32_t sign() const { return 1u << (exponent_bits + mantissa_bits); }
  constexpr uint32_t magnitude() const { return sign() - 1; }
  constexpr uint32_t mantissa() const { return (1u << mantissa_bits) - 1; }
  // Infinity, where there is one.
  constexpr uint32_t highest_exponent() const { return magnitude() & ~mantissa(); }
  constexpr uint32_t largest_finite() const {
    if (specials == Specials::kIeee) return highest_exponent() - 1;
    return specials == Specials::kFn ? magnitude() - 1 : magnitude();
  }
  constexpr bool IsNan(uint32_t code) const {
    if (specials == Specials::kIeee) return (code & magnitude()) > highest_exponent();
    if (specials == Specials::kFn) return (code & magnitude()) == magnitude();
    return specials == Specials::kFnuz && code == sign();
  }
};

inline constexpr FloatFormat kFloat16 = {5, 10, 15, Specials::kIeee};
inline constexpr FloatFormat kBfloat16 = {8, 7, 127, Specials::kIeee};
inline constexpr FloatFormat kFloat8E3m4 = {3, 4, 3, Specials::kIeee};
inline constexpr FloatFormat kFloat8E4m3 = {4, 3, 7, Specials::kIeee};
inline constexpr FloatFormat kFloat8E5m2 = {5, 2, 15, Specials::kIeee};
inline constexpr FloatFormat kFloat8E4m3fn = {4, 3, 7, Specials::kFn};
inline constexpr FloatFormat kFloat8E4m3fnuz = {4, 3, 8, Specials::kFnuz};
inline constexpr FloatFormat kFloat8E4m3b11fnuz = {4, 3, 11, Specials::kFnuz};
inline constexpr FloatFormat kFloat8E5m2fnuz = {5, 2, 16, Specials::kFnuz};
inline constexpr FloatFormat kFloat4E2m1fn = {2, 1, 1, Specials::kNone};

namespace internal {

inline constexpr int kDoubleMantissaBits = 52;
inline constexpr int kDoubleBias = 1023;
inline constexpr uint64_t kDoubleSign = uint64_t{1} << 63;
inline constexpr uint64_t kDoubleImplicitBit = uint64_t{1} << kDoubleMantissaBits;

// 2^exponent, for exponents of normal doubles.
constexpr double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + kDoubleBias)
                               << kDoubleMantissaBits);
}

// value / 2^shift, to nearest even. Requires: 0 < shift.
constexpr uint64_t ShiftToEven(uint64_t value, int shift) {
  if (shift >= 64) return 0;
  const uint64_t below_half = (uint64_t{1} << (shift - 1)) - 1;
  return (value + below_half + ((value >> shift) & 1)) >> shift;
}

constexpr uint32_t NanCode(const FloatFormat& format, uint32_t sign) {
  switch (format.specials) {
    case Specials::kIeee:
      return sign | format.highest_exponent() | (1u << (format.mantissa_bits - 1));
    case Specials::kFn:
      return sign | format.magnitude();
    case Specials::kFnuz:
      return format.sign();
    case Specials::kNone:
      break;
  }
  return sign ^ format.sign();  // a zero, of the sign that ml_dtypes gives it
}

constexpr uint32_t OverflowCode(const FloatFormat& format, uint32_t sign) {
  if (format.specials == Specials::kIeee) return sign | format.highest_exponent();
  if (format.specials == Specials::kNone) return sign | format.largest_finite();
  return NanCode(format, sign);
}

}  // namespace internal

// The number that a code stands for. Bits above the format's are ignored.
template <FloatFormat kFormat>
double DecodeSmallFloat(uint32_t code) {
  code &= kFormat.sign() | kFormat.magnitude();
  const uint32_t magnitude = code & kFormat.magnitude();
  const bool negative = (code & kFormat.sign()) != 0;
  double value;
  if (kFormat.IsNan(code)) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (magnitude > kFormat.largest_finite()) {
    value = std::numeric_limits<double>::infinity();
  } else if (magnitude <= kFormat.mantissa()) {
    value = magnitude * internal::PowerOfTwo(1 - kFormat.bias - kFormat.mantissa_bits);
  } else {
    const uint64_t shifted = uint64_t{magnitude}
                             << (internal::kDoubleMantissaBits - kFormat.mantissa_bits);
    const uint64_t rebias = uint64_t{internal::kDoubleBias - kFormat.bias}
                            << internal::kDoubleMantissaBits;
    value = std::bit_cast<double>(shifted + rebias);
  }
  return negative ? -value : value;
}

// The code of the number nearest to `value`.
template <FloatFormat kFormat>
uint32_t EncodeSmallFloat(double value) {
  using namespace internal;  // NOLINT: the constants above
  constexpr int kDropped = kDoubleMantissaBits - kFormat.mantissa_bits;
  constexpr int kRebias = kDoubleBias - kFormat.bias;
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t magnitude = bits & ~kDoubleSign;
  const uint32_t sign = (bits & kDoubleSign) ? kFormat.sign() : 0;
  if (value != value) return NanCode(kFormat, sign);
  // In both branches a carry out of the mantissa raises the exponent, as it should.
  const int exponent = static_cast<int>(magnitude >> kDoubleMantissaBits) - kRebias;
  uint64_t code;
  if (exponent > 0) {
    code = ShiftToEven(magnitude - (uint64_t{kRebias} << kDoubleMantissaBits), kDropped);
  } else {
    // Doubles without the implicit bit are far below every format: their code is 0 with or without.
    const uint64_t significand = (magnitude & (kDoubleImplicitBit - 1)) | kDoubleImplicitBit;
    code = ShiftToEven(significand, kDropped + 1 - exponent);
  }
  if (code > kFormat.largest_finite()) return OverflowCode(kFormat, sign);
  if (kFormat.specials == Specials::kFnuz && code == 0) return 0;
  return sign | static_cast<uint32_t>(code);
}

// float8_e8m0fnu: a power of two alone, 2^-127 to 2^127, and NaN. No sign, no zero.
inline constexpr uint32_t kE8m0Nan = 0xff;

inline double DecodeE8m0(uint32_t code) {
  if (code == kE8m0Nan) return std::numeric_limits<double>::quiet_NaN();
  return internal::PowerOfTwo(static_cast<int>(code) - 127);
}

// Half-way goes up; what is too small becomes the smallest; zero and negative numbers become NaN.
inline uint32_t EncodeE8m0(double value) {
  if (!(value > 0)) return kE8m0Nan;
  const uint64_t half = internal::kDoubleImplicitBit >> 1;
  const uint64_t exponent =
      (std::bit_cast<uint64_t>(value) + half) >> internal::kDoubleMantissaBits;
  constexpr uint64_t kRebias = internal::kDoubleBias - 127;
  if (exponent < kRebias) return 0;
  return exponent - kRebias < kE8m0Nan ? static_cast<uint32_t>(exponent - kRebias) : kE8m0Nan;
}

}  // namespace cairn

#endif  // CAIRN_BASE_SMALL_FLOAT_H_
