#include "formats/tensor_bundle/dtype_map.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/dtype.h"

namespace cairn {
namespace {

TEST(DtypeMapTest, EveryNumberHasOneNameThatLeadsBack) {
  for (int32_t number = 1; number < 200; ++number) {
    const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(number);
    ASSERT_TRUE(dtype.has_value()) << number;
    EXPECT_EQ(BundleDtypeNumber(dtype->name), number) << dtype->name;
    EXPECT_EQ(dtype->encoding == BundleEncoding::kPlain, dtype->item_bytes > 0) << dtype->name;
  }
}

TEST(DtypeMapTest, NamesAreThoseOfBase) {
  for (int32_t number = 1; number < 200; ++number) {
    const BundleDtype dtype = *BundleDtypeFromNumber(number);
    const std::optional<Dtype> known = FindDtype(dtype.name);
    ASSERT_TRUE(known.has_value()) << dtype.name;
    if (known->dtype_class == DtypeClass::kOpaque) {
      EXPECT_EQ(dtype.name, "tf:" + std::to_string(number));
    } else {
      EXPECT_EQ(dtype.item_bytes, known->item_bytes) << dtype.name;
    }
  }
}

TEST(DtypeMapTest, NumbersAreTensorFlows) {
  EXPECT_EQ(BundleDtypeNumber("float32"), 1);
  EXPECT_EQ(BundleDtypeNumber("string"), 7);
  EXPECT_EQ(BundleDtypeNumber("bool"), 10);
  EXPECT_EQ(BundleDtypeNumber("bfloat16"), 14);
  EXPECT_EQ(BundleDtypeNumber("float16"), 19);
  EXPECT_EQ(BundleDtypeNumber("float4_e2m1fn"), 33);
  EXPECT_EQ(BundleDtypeFromNumber(21)->name, "tf:21");
  EXPECT_EQ(BundleDtypeFromNumber(21)->encoding, BundleEncoding::kVariant);
  EXPECT_EQ(BundleDtypeFromNumber(7)->encoding, BundleEncoding::kString);
}

TEST(DtypeMapTest, QuantisedTypesHaveWidths) {
  EXPECT_EQ(BundleDtypeFromNumber(11)->item_bytes, 1);
  EXPECT_EQ(BundleDtypeFromNumber(13)->item_bytes, 4);
  EXPECT_EQ(BundleDtypeFromNumber(16)->item_bytes, 2);
}

TEST(DtypeMapTest, UnknownTypesPassThrough) {
  const BundleDtype dtype = *BundleDtypeFromNumber(std::numeric_limits<int32_t>::max());
  EXPECT_EQ(dtype.name, "tf:2147483647");
  EXPECT_EQ(dtype.encoding, BundleEncoding::kUnknown);
}

TEST(DtypeMapTest, WhatIsNoTypeIsRefused) {
  EXPECT_FALSE(BundleDtypeFromNumber(0).has_value());
  EXPECT_FALSE(BundleDtypeFromNumber(-1).has_value());
  for (const char* name : {"", "float", "bytes", "torch:x", "tf:", "tf:1", "tf:021", "tf:0",
                           "tf:-3", "tf: 21", "tf:21x", "tf:99999999999"}) {
    EXPECT_FALSE(BundleDtypeNumber(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace cairn
