#include "formats/tensor_bundle/coding.h"

#include <gtest/gtest.h>

#include <limits>

namespace cairn {
namespace {

TEST(CodingTest, VarintsOfEveryWidthComeBack) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t value =
        bits == 64 ? std::numeric_limits<uint64_t>::max() : (uint64_t{1} << bits) - 1;
    std::string bytes;
    AppendVarint(value, &bytes);
    EXPECT_EQ(bytes.size(), bits == 0 ? 1 : (bits + 6) / 7);
    bytes += 'x';
    absl::string_view rest = bytes;
    uint64_t read = 0;
    ASSERT_TRUE(ConsumeVarint(&rest, &read));
    EXPECT_EQ(read, value);
    EXPECT_EQ(rest, "x");
  }
}

TEST(CodingTest, VarintsCutOffOrBeyond64BitsAreRefused) {
  for (const absl::string_view bytes :
       {absl::string_view(""), absl::string_view("\x80"), absl::string_view("\xff\xff"),
        absl::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
        absl::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")}) {
    absl::string_view rest = bytes;
    uint64_t value = 42;
    EXPECT_FALSE(ConsumeVarint(&rest, &value));
    EXPECT_EQ(rest, bytes);
    EXPECT_EQ(value, 42);
  }
}

TEST(CodingTest, FixedIntegersAreLittleEndian) {
  std::string bytes;
  AppendFixed(0x0102030405060708, 8, &bytes);
  EXPECT_EQ(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01");
  EXPECT_EQ(DecodeFixed(bytes), 0x0102030405060708);
  absl::string_view rest = bytes;
  uint32_t value = 0;
  ASSERT_TRUE(ConsumeFixed32(&rest, &value));
  EXPECT_EQ(value, 0x05060708);
  rest.remove_prefix(1);
  EXPECT_FALSE(ConsumeFixed32(&rest, &value));
  EXPECT_EQ(rest.size(), 3);
}

}  // namespace
}  // namespace cairn
