#include "base/cast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <vector>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::string BytesOf(const std::vector<T>& elements) {
  return std::string(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
}

// `elements` of dtype `from` cast to `to`, whose elements a To holds.
template <typename To, typename From>
std::vector<To> Cast(absl::string_view from, absl::string_view to,
                     const std::vector<From>& elements) {
  EXPECT_OK(ValidateCast(from, to));
  std::string bytes;
  CastElements(from, to, BytesOf(elements), &bytes);
  std::vector<To> cast(bytes.size() / sizeof(To));
  std::memcpy(cast.data(), bytes.data(), bytes.size());
  return cast;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(ValidateCastTest, AllowsWhatLosesNoMeaning) {
  for (const char* name : {"bool", "float32", "string", "bytes", "complex64", "tf:21"}) {
    EXPECT_OK(ValidateCast(name, name));
  }
  EXPECT_OK(ValidateCast("bool", "uint2"));
  EXPECT_OK(ValidateCast("bool", "float8_e4m3fn"));
  EXPECT_OK(ValidateCast("int8", "int16"));
  EXPECT_OK(ValidateCast("uint8", "int16"));
  EXPECT_OK(ValidateCast("uint8", "uint16"));
  EXPECT_OK(ValidateCast("int4", "int8"));
  EXPECT_OK(ValidateCast("uint64", "float16"));
  EXPECT_OK(ValidateCast("float64", "float4_e2m1fn"));
  EXPECT_OK(ValidateCast("bfloat16", "float32"));
}

TEST(ValidateCastTest, RefusesTheRestNamingBoth) {
  const std::pair<const char*, const char*> refused[] = {
      {"int16", "int8"},        {"uint8", "int8"},           {"int8", "uint16"},
      {"int64", "uint64"},      {"uint64", "int64"},         {"float32", "int32"},
      {"int8", "bool"},         {"float32", "bool"},         {"float32", "complex64"},
      {"complex64", "float32"}, {"complex64", "complex128"}, {"string", "bytes"},
      {"float32", "string"},    {"tf:21", "float32"},        {"tf:21", "tf:22"},
      {"float32", "no such"},   {"no such", "no such"},
  };
  for (const auto& [from, to] : refused) {
    const absl::Status status = ValidateCast(from, to);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(from)))
        << from << to;
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(to))) << from << to;
  }
}

TEST(CastElementsTest, AppendsToWhatIsThere) {
  std::string out = "x";
  CastElements("uint8", "uint16", "\x01\xff", &out);
  EXPECT_EQ(out, std::string("x\x01\x00\xff\x00", 5));
  CastElements("float32", "bfloat16", "", &out);
  EXPECT_EQ(out.size(), 5u);
}

TEST(CastElementsTest, TheSameDtypeKeepsEveryByte) {
  std::string out;
  CastElements("string", "string", "any\xff bytes", &out);
  EXPECT_EQ(out, "any\xff bytes");
  EXPECT_THAT(Cast<uint32_t>("float32", "float32", std::vector<uint32_t>{0x7fa12345}),
              ElementsAre(0x7fa12345));
}

TEST(CastElementsTest, IntegersKeepTheirValue) {
  EXPECT_THAT(Cast<int64_t>("int8", "int64", std::vector<int8_t>{-128, -1, 0, 127}),
              ElementsAre(-128, -1, 0, 127));
  EXPECT_THAT(Cast<int16_t>("uint8", "int16", std::vector<uint8_t>{0, 128, 255}),
              ElementsAre(0, 128, 255));
  EXPECT_THAT(Cast<uint64_t>("uint32", "uint64", std::vector<uint32_t>{0xffffffff}),
              ElementsAre(0xffffffffu));
  EXPECT_THAT(Cast<int32_t>("bool", "int32", std::vector<uint8_t>{0, 1, 7}), ElementsAre(0, 1, 1));
}

TEST(CastElementsTest, ElementsBelowAByteLieInItsLowBits) {
  // As ml_dtypes reads and writes them: the high bits do not count.
  EXPECT_THAT(Cast<float>("int4", "float32", std::vector<uint8_t>{0x1f, 0x08, 0xf8, 0x07}),
              ElementsAre(-1, -8, -8, 7));
  EXPECT_THAT(Cast<float>("uint2", "float32", std::vector<uint8_t>{0x1f, 0x08, 0x12}),
              ElementsAre(3, 0, 2));
  EXPECT_THAT(Cast<uint8_t>("int2", "int4", std::vector<uint8_t>{3, 2, 1}),
              ElementsAre(0x0f, 0x0e, 0x01));
  EXPECT_THAT(Cast<float>("float4_e2m1fn", "float32", std::vector<uint8_t>{0x2, 0xf}),
              ElementsAre(1, -6));
}

// Codes that ml_dtypes 0.6 gives for the same numbers.
TEST(CastElementsTest, AgreesWithMlDtypes) {
  const std::vector<float> numbers = {0,     -0.0f,  1, -1,   kInfinity, -kInfinity,
                                      1e30f, 1e-30f, 3, 0.75, 5};
  struct {
    const char* dtype;
    std::vector<uint8_t> codes;
  } const cases[] = {
      {"float8_e5m2", {0, 0x80, 0x3c, 0xbc, 0x7c, 0xfc, 0x7c, 0, 0x42, 0x3a, 0x45}},
      {"float8_e4m3", {0, 0x80, 0x38, 0xb8, 0x78, 0xf8, 0x78, 0, 0x44, 0x34, 0x4a}},
      {"float8_e3m4", {0, 0x80, 0x30, 0xb0, 0x70, 0xf0, 0x70, 0, 0x48, 0x28, 0x54}},
      {"float8_e4m3fn", {0, 0x80, 0x38, 0xb8, 0x7f, 0xff, 0x7f, 0, 0x44, 0x34, 0x4a}},
      {"float8_e4m3fnuz", {0, 0, 0x40, 0xc0, 0x80, 0x80, 0x80, 0, 0x4c, 0x3c, 0x52}},
      {"float8_e4m3b11fnuz", {0, 0, 0x58, 0xd8, 0x80, 0x80, 0x80, 0, 0x64, 0x54, 0x6a}},
      {"float8_e5m2fnuz", {0, 0, 0x40, 0xc0, 0x80, 0x80, 0x80, 0, 0x46, 0x3e, 0x49}},
      {"float8_e8m0fnu", {0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xe3, 0x1b, 0x81, 0x7f, 0x81}},
      {"float4_e2m1fn", {0, 8, 2, 0xa, 7, 0xf, 7, 0, 5, 2, 6}},
  };
  for (const auto& expected : cases) {
    EXPECT_EQ(Cast<uint8_t>("float32", expected.dtype, numbers), expected.codes) << expected.dtype;
  }
  EXPECT_THAT(Cast<uint16_t>("float32", "bfloat16", numbers),
              ElementsAre(0, 0x8000, 0x3f80, 0xbf80, 0x7f80, 0xff80, 0x714a, 0x0da2, 0x4040, 0x3f40,
                          0x40a0));
  EXPECT_THAT(
      Cast<uint16_t>("float32", "float16", numbers),
      ElementsAre(0, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7c00, 0, 0x4200, 0x3a00, 0x4500));
}

TEST(CastElementsTest, Float32RoundsAndOverflowsAsTheHardwareDoes) {
  EXPECT_THAT(Cast<float>("float64", "float32", std::vector<double>{0.1, 1e300, -1e300, 1e-300}),
              ElementsAre(0.1f, kInfinity, -kInfinity, 0));
  EXPECT_TRUE(std::isnan(Cast<double>("float32", "float64", std::vector<float>{NAN})[0]));
}

TEST(CastElementsTest, WideIntegersRoundOnce) {
  // Just above half-way between two neighbors: a detour over a double would reach half-way, then
  // even.
  const int64_t above_half = (int64_t{1} << 62) + (int64_t{1} << 38) + 1;
  EXPECT_THAT(Cast<float>("int64", "float32", std::vector<int64_t>{above_half, -above_half}),
              ElementsAre(static_cast<float>(above_half), -static_cast<float>(above_half)));
  const std::vector<int64_t> edges = {INT64_MIN, INT64_MIN + 1, INT64_MAX, (int64_t{1} << 53) + 1,
                                      -3};
  std::vector<double> as_doubles(edges.begin(), edges.end());
  EXPECT_EQ((Cast<double>("int64", "float64", edges)), as_doubles);
  std::vector<float> as_floats(edges.begin(), edges.end());
  EXPECT_EQ((Cast<float>("int64", "float32", edges)), as_floats);
  EXPECT_THAT(Cast<double>("uint64", "float64", std::vector<uint64_t>{UINT64_MAX}),
              ElementsAre(18446744073709551616.0));
}

// Just above half-way between two neighbors: in float32 that is half-way, and then goes to even.
// Codes that ml_dtypes 0.6 and numpy 2.4 give.
TEST(CastElementsTest, FormatsOfMlDtypesRoundThroughFloat32) {
  const double half = 1 + 0x1p-8, above = half + 0x1p-40;
  EXPECT_THAT(Cast<uint16_t>("float64", "bfloat16", std::vector<double>{half, above}),
              ElementsAre(0x3f80, 0x3f80));
  EXPECT_THAT(Cast<uint8_t>("float64", "float8_e4m3fn",
                            std::vector<double>{1 + 0x1p-4, 1 + 0x1p-4 + 0x1p-40}),
              ElementsAre(0x38, 0x38));
  EXPECT_THAT(Cast<uint8_t>("float64", "float8_e8m0fnu",
                            std::vector<double>{1.5, 1.5 - 0x1p-40, 1.5 - 0x1p-20}),
              ElementsAre(0x80, 0x80, 0x7f));
  EXPECT_THAT(Cast<uint16_t>("uint64", "bfloat16",
                             std::vector<uint64_t>{(uint64_t{1} << 63) + (uint64_t{1} << 55) + 1}),
              ElementsAre(0x5f00));
  EXPECT_THAT(
      Cast<uint16_t>("float64", "float16", std::vector<double>{1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-40}),
      ElementsAre(0x3c00, 0x3c01))
      << "numpy's own: rounds once";
}

TEST(CastElementsTest, BlocksLeaveNoSeam) {
  std::vector<int16_t> numbers(2000);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int16_t>(i - 1000);
  EXPECT_EQ((Cast<float>("int16", "float32", numbers)),
            std::vector<float>(numbers.begin(), numbers.end()));
  EXPECT_EQ((Cast<int32_t>("int16", "int32", numbers)),
            std::vector<int32_t>(numbers.begin(), numbers.end()));
}

TEST(ElementTest, AsDouble) {
  EXPECT_EQ(ElementAsDouble("int16", BytesOf(std::vector<int16_t>{1, -2}), 1), -2);
  EXPECT_EQ(ElementAsDouble("bool", "\x01", 0), 1);
  EXPECT_EQ(ElementAsDouble("bfloat16", BytesOf(std::vector<uint16_t>{0x3fc0}), 0), 1.5);
  EXPECT_EQ(
      ElementAsDouble("complex64", BytesOf(std::vector<std::complex<float>>{{1, 2}, {3, 4}}), 1),
      3);
}

TEST(ElementTest, AsTextLosesNothing) {
  EXPECT_EQ(ElementAsText("bool", absl::string_view("\0\1", 2), 1), "true");
  EXPECT_EQ(ElementAsText("bool", absl::string_view("\0\1", 2), 0), "false");
  EXPECT_EQ(ElementAsText("int8", "\xf9", 0), "-7");
  EXPECT_EQ(ElementAsText("int64", BytesOf(std::vector<int64_t>{INT64_MIN}), 0),
            "-9223372036854775808");
  EXPECT_EQ(ElementAsText("uint64", BytesOf(std::vector<uint64_t>{UINT64_MAX}), 0),
            "18446744073709551615");
  EXPECT_EQ(ElementAsText("float32", BytesOf(std::vector<float>{1.5f, 0.1f}), 1), "0.1");
  EXPECT_EQ(ElementAsText("float64", BytesOf(std::vector<double>{0.1 + 0.2}), 0),
            "0.30000000000000004");
  EXPECT_EQ(ElementAsText("float32", BytesOf(std::vector<float>{-NAN}), 0), "nan");
  EXPECT_EQ(ElementAsText("float32", BytesOf(std::vector<float>{-kInfinity}), 0), "-inf");
  EXPECT_EQ(ElementAsText("float8_e4m3fn", "\x7e", 0), "448");
  EXPECT_EQ(ElementAsText("complex64", BytesOf(std::vector<std::complex<float>>{{1, 2}}), 0),
            "1+2j");
  EXPECT_EQ(ElementAsText("complex128",
                          BytesOf(std::vector<std::complex<double>>{{0, 0}, {-0.5, -2}}), 1),
            "-0.5-2j");
  EXPECT_EQ(ElementAsText("complex64", BytesOf(std::vector<std::complex<float>>{{0, NAN}}), 0),
            "0+nanj");
}

}  // namespace
}  // namespace cairn
