#include "base/small_float.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cairn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What must hold for every code of a format.
template <FloatFormat kFormat>
void CheckEveryCode() {
  for (uint32_t code = 0; code <= (kFormat.sign() | kFormat.magnitude()); ++code) {
    const double value = DecodeSmallFloat<kFormat>(code);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(DecodeSmallFloat<kFormat>(EncodeSmallFloat<kFormat>(value)))) << code;
      continue;
    }
    ASSERT_EQ(EncodeSmallFloat<kFormat>(value), code) << value;
    if (value == 0 || std::isinf(value)) continue;
    ASSERT_EQ(std::signbit(value), (code & kFormat.sign()) != 0) << code;
    // Half-way to the neighbor nearer to zero goes to the even code; a hair off, to the nearer one.
    const bool beside_no_zero = kFormat.IsNan(code - 1);
    const uint32_t below_code = beside_no_zero ? 0 : code - 1;
    const double below = DecodeSmallFloat<kFormat>(below_code);
    const double half = (value + below) / 2;
    ASSERT_EQ(EncodeSmallFloat<kFormat>(half), code % 2 == 0 ? code : below_code) << value;
    ASSERT_EQ(EncodeSmallFloat<kFormat>(std::nextafter(half, value)), code) << value;
    ASSERT_EQ(EncodeSmallFloat<kFormat>(std::nextafter(half, below)), below_code) << value;
  }
}

TEST(SmallFloatTest, EveryCodeComesBackAndNeighborsRoundToEven) {
  CheckEveryCode<kFloat16>();
  CheckEveryCode<kBfloat16>();
  CheckEveryCode<kFloat8E3m4>();
  CheckEveryCode<kFloat8E4m3>();
  CheckEveryCode<kFloat8E5m2>();
  CheckEveryCode<kFloat8E4m3fn>();
  CheckEveryCode<kFloat8E4m3fnuz>();
  CheckEveryCode<kFloat8E4m3b11fnuz>();
  CheckEveryCode<kFloat8E5m2fnuz>();
  CheckEveryCode<kFloat4E2m1fn>();
}

// The largest and the smallest numbers that the formats' definitions give.
TEST(SmallFloatTest, RangesAreThoseOfTheDefinitions) {
  EXPECT_EQ(DecodeSmallFloat<kFloat16>(0x7bff), 65504);
  EXPECT_EQ(DecodeSmallFloat<kFloat16>(0x0001), std::ldexp(1, -24));
  EXPECT_EQ(DecodeSmallFloat<kBfloat16>(0x7f7f), std::ldexp(1 + 127.0 / 128, 127));
  EXPECT_EQ(DecodeSmallFloat<kBfloat16>(0x0001), std::ldexp(1, -133));
  EXPECT_EQ(DecodeSmallFloat<kFloat8E3m4>(0x6f), 15.5);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E4m3>(0x77), 240);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E5m2>(0x7b), 57344);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E4m3fn>(0x7e), 448);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E4m3fn>(0x01), std::ldexp(1, -9));
  EXPECT_EQ(DecodeSmallFloat<kFloat8E4m3fnuz>(0x7f), 240);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E4m3b11fnuz>(0x7f), 30);
  EXPECT_EQ(DecodeSmallFloat<kFloat8E5m2fnuz>(0x7f), 57344);
  EXPECT_EQ(DecodeSmallFloat<kFloat4E2m1fn>(0x7), 6);
}

TEST(SmallFloatTest, WhatIsTooLargeGoesWhereTheFormatSendsIt) {
  EXPECT_EQ(EncodeSmallFloat<kFloat16>(65519.99), 0x7bffu);
  EXPECT_EQ(EncodeSmallFloat<kFloat16>(65520), 0x7c00u);
  EXPECT_EQ(EncodeSmallFloat<kBfloat16>(-1e300), 0xff80u);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E5m2>(61440), 0x7cu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E5m2>(-kInfinity), 0xfcu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fn>(464), 0x7eu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fn>(464.001), 0x7fu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fn>(-kInfinity), 0xffu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fnuz>(-1e30), 0x80u);
  EXPECT_EQ(EncodeSmallFloat<kFloat4E2m1fn>(1e30), 0x7u);
  EXPECT_EQ(EncodeSmallFloat<kFloat4E2m1fn>(-kInfinity), 0xfu);
}

TEST(SmallFloatTest, NanHasItsCode) {
  EXPECT_EQ(EncodeSmallFloat<kFloat16>(kNan), 0x7e00u);
  EXPECT_EQ(EncodeSmallFloat<kBfloat16>(-kNan), 0xffc0u);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fn>(kNan), 0x7fu);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E5m2fnuz>(kNan), 0x80u);
  EXPECT_EQ(EncodeSmallFloat<kFloat4E2m1fn>(kNan), 0x8u);
}

TEST(SmallFloatTest, ZeroHasASignWhereTheFormatHasOne) {
  EXPECT_EQ(EncodeSmallFloat<kBfloat16>(-0.0), 0x8000u);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fnuz>(-0.0), 0u);
  EXPECT_EQ(EncodeSmallFloat<kFloat8E4m3fnuz>(-1e-300), 0u);
  EXPECT_EQ(EncodeSmallFloat<kFloat16>(5e-324), 0u);
  EXPECT_EQ(EncodeSmallFloat<kFloat16>(-1e-300), 0x8000u);
}

TEST(SmallFloatTest, RoundsOnce) {
  // Through float32 this would become half-way, and then even.
  EXPECT_EQ(EncodeSmallFloat<kBfloat16>(1 + std::ldexp(1, -8) + std::ldexp(1, -40)), 0x3f81u);
  EXPECT_EQ(EncodeSmallFloat<kBfloat16>(1 + std::ldexp(1, -8)), 0x3f80u);
}

TEST(SmallFloatTest, E8m0IsAPowerOfTwo) {
  for (uint32_t code = 0; code < 0xff; ++code) {
    EXPECT_EQ(DecodeE8m0(code), std::ldexp(1, static_cast<int>(code) - 127));
    EXPECT_EQ(EncodeE8m0(DecodeE8m0(code)), code);
    if (code == 0) continue;
    EXPECT_EQ(EncodeE8m0(DecodeE8m0(code) * 0.75), code);
    EXPECT_EQ(EncodeE8m0(DecodeE8m0(code) * 0.74999), code - 1);
  }
  EXPECT_TRUE(std::isnan(DecodeE8m0(0xff)));
  EXPECT_EQ(EncodeE8m0(std::ldexp(1.5, 127)), 0xffu);
  EXPECT_EQ(EncodeE8m0(std::ldexp(1, -300)), 0u);
  for (double value : {0.0, -0.0, -1.0, kInfinity, -kInfinity, kNan})
    EXPECT_EQ(EncodeE8m0(value), 0xffu);
}

}  // namespace
}  // namespace cairn
