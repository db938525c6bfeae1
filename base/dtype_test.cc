#include "base/dtype.h"

#include <gtest/gtest.h>

#include <string>

namespace cairn {
namespace {

TEST(DtypeTest, KnowsWidthAndClass) {
  struct {
    const char* name;
    DtypeClass dtype_class;
    int item_bytes;
  } const cases[] = {
      {"bool", DtypeClass::kBool, 1},           {"int64", DtypeClass::kSigned, 8},
      {"uint16", DtypeClass::kUnsigned, 2},     {"bfloat16", DtypeClass::kReal, 2},
      {"float32", DtypeClass::kReal, 4},        {"float8_e4m3fn", DtypeClass::kReal, 1},
      {"complex128", DtypeClass::kComplex, 16}, {"string", DtypeClass::kString, 0},
      {"bytes", DtypeClass::kBytes, 0},         {"tf:21", DtypeClass::kOpaque, 0},
  };
  for (const auto& expected : cases) {
    const std::optional<Dtype> dtype = FindDtype(expected.name);
    ASSERT_TRUE(dtype.has_value()) << expected.name;
    EXPECT_EQ(dtype->dtype_class, expected.dtype_class) << expected.name;
    EXPECT_EQ(dtype->item_bytes, expected.item_bytes) << expected.name;
    EXPECT_EQ(IsFixedWidth(*dtype), expected.item_bytes > 0) << expected.name;
  }
}

TEST(DtypeTest, ElementsBelowAByteTakeOne) {
  for (const char* name : {"int2", "uint2", "int4", "uint4", "float4_e2m1fn"}) {
    ASSERT_TRUE(FindDtype(name).has_value()) << name;
    EXPECT_EQ(FindDtype(name)->item_bytes, 1) << name;
  }
}

TEST(DtypeTest, OpaqueNamesHaveAnOriginAndAName) {
  for (const char* name : {"tf:21", "torch:quint4x2", "a_1:B.c-d_e"}) {
    ASSERT_TRUE(FindDtype(name).has_value()) << name;
    EXPECT_EQ(FindDtype(name)->dtype_class, DtypeClass::kOpaque) << name;
  }
}

TEST(DtypeTest, OtherNamesMeanNothing) {
  for (const char* name : {"", "float", "Float32", "float32 ", ":21", "tf:", "tf:2:1", "TF:21",
                           "1f:21", "_f:21", "tf:a b", "tf:\xc3\xa9"}) {
    EXPECT_FALSE(FindDtype(name).has_value()) << name;
  }
  EXPECT_FALSE(FindDtype(absl::string_view("tf:2\0", 5)).has_value());
}

TEST(DtypeTest, NamesEndAt64Bytes) {
  EXPECT_TRUE(FindDtype("tf:" + std::string(61, '1')).has_value());
  EXPECT_FALSE(FindDtype("tf:" + std::string(62, '1')).has_value());
}

}  // namespace
}  // namespace cairn
