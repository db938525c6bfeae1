#include "formats/safetensors/dtype_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/dtype.h"

namespace cairn {
namespace {

using ::testing::Optional;

struct Case {
  const char* name;
  const char* ours;
  int bits;
};

constexpr Case kCases[] = {
    {"BOOL", "bool", 8},
    {"F4", "safetensors:F4", 4},
    {"F6_E2M3", "safetensors:F6_E2M3", 6},
    {"F6_E3M2", "safetensors:F6_E3M2", 6},
    {"U8", "uint8", 8},
    {"I8", "int8", 8},
    {"F8_E5M2", "float8_e5m2", 8},
    {"F8_E4M3", "float8_e4m3fn", 8},
    {"F8_E8M0", "float8_e8m0fnu", 8},
    {"F8_E4M3FNUZ", "float8_e4m3fnuz", 8},
    {"F8_E5M2FNUZ", "float8_e5m2fnuz", 8},
    {"I16", "int16", 16},
    {"U16", "uint16", 16},
    {"F16", "float16", 16},
    {"BF16", "bfloat16", 16},
    {"I32", "int32", 32},
    {"U32", "uint32", 32},
    {"F32", "float32", 32},
    {"C64", "complex64", 64},
    {"F64", "float64", 64},
    {"I64", "int64", 64},
    {"U64", "uint64", 64},
};

TEST(SafetensorsDtypeTest, EveryKnownOneGoesBothWays) {
  for (const Case& known : kCases) {
    const auto dtype = SafetensorsDtypeFromName(known.name);
    ASSERT_TRUE(dtype.has_value()) << known.name;
    EXPECT_EQ(dtype->name, known.ours);
    EXPECT_EQ(dtype->bits, known.bits);
    EXPECT_THAT(SafetensorsDtypeName(known.ours), Optional(std::string(known.name)));
  }
}

TEST(SafetensorsDtypeTest, WidthsAreOurs) {
  for (const Case& known : kCases) {
    const auto dtype = FindDtype(known.ours);
    ASSERT_TRUE(dtype.has_value()) << known.ours;
    if (!IsFixedWidth(*dtype)) continue;
    EXPECT_EQ(dtype->item_bytes * 8, known.bits) << known.ours;
  }
}

TEST(SafetensorsDtypeTest, RanksFollowTheReferenceImplementation) {
  for (size_t i = 1; i < std::size(kCases); ++i) {
    EXPECT_GT(SafetensorsRank(kCases[i].name), SafetensorsRank(kCases[i - 1].name))
        << kCases[i].name;
  }
  EXPECT_GT(SafetensorsRank("BOOL"), 0);
  EXPECT_EQ(SafetensorsRank("F128"), 0);
}

TEST(SafetensorsDtypeTest, UnknownOnesAreOpaqueAndComeBack) {
  const auto dtype = SafetensorsDtypeFromName("F2_E1M0");
  ASSERT_TRUE(dtype.has_value());
  EXPECT_EQ(dtype->name, "safetensors:F2_E1M0");
  EXPECT_EQ(dtype->bits, 0);
  EXPECT_THAT(SafetensorsDtypeName("safetensors:F2_E1M0"), Optional(std::string("F2_E1M0")));
}

TEST(SafetensorsDtypeTest, NamesThatWeCouldNotKeepMeanNothing) {
  for (const std::string& name : {std::string(), std::string("F 32"), std::string("F\n"),
                                  std::string("a:b"), std::string(53, 'F')}) {
    EXPECT_FALSE(SafetensorsDtypeFromName(name).has_value()) << name;
  }
}

TEST(SafetensorsDtypeTest, WhatSafetensorsLacksHasNoName) {
  for (const char* dtype : {"string", "bytes", "complex128", "int4", "uint4", "int2",
                            "float4_e2m1fn", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e3m4",
                            "tf:21", "safetensors:F32", "safetensors:", "safetensors:a:b", ""}) {
    EXPECT_FALSE(SafetensorsDtypeName(dtype).has_value()) << dtype;
  }
}

}  // namespace
}  // namespace cairn
