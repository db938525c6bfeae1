#include "formats/tensor_bundle/slice_key.h"

#include <cstdint>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace cairn {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Hex(absl::string_view name, std::vector<ExtentSpec> extents) {
  return absl::BytesToHexString(EncodeSliceKey(name, extents));
}

std::string WithoutBlanks(absl::string_view hex) { return absl::StrReplaceAll(hex, {{" ", ""}}); }

// The code of one start, without what stands around it.
std::string StartHex(int64_t start) {
  const std::string key = Hex("", {{start, 0}});
  return key.substr(10, key.size() - 12);
}

// Starts and lengths that lie on both sides of each change of width.
std::vector<int64_t> EdgeNumbers() {
  std::vector<int64_t> numbers = {0, 1, 2, 100, 1999999999, kMax - 1, kMax};
  for (int bits = 6; bits < 63; ++bits) {
    for (int64_t near = -1; near <= 1; ++near) numbers.push_back((int64_t{1} << bits) + near);
  }
  return numbers;
}

TEST(SliceKeyTest, IsWhatTensorFlowWrites) {
  EXPECT_EQ(Hex("v", {{5, 5}}), WithoutBlanks("00 760001 0101 8585"));
  EXPECT_EQ(Hex("w", {{100, 64}, {0, 64}}), WithoutBlanks("00 770001 0102 c064c040 80c040"));
  EXPECT_EQ(Hex("p", {{0, 2}, {0, 2}}), WithoutBlanks("00 700001 0102 8082 8082"));
  EXPECT_EQ(Hex("p", {{2, 2}, {0, 2}}), WithoutBlanks("00 700001 0102 8282 8082"));
}

TEST(SliceKeyTest, SpellsAFullDimensionInItsOwnWay) {
  EXPECT_EQ(Hex("p", {{0, 2}, {0, std::nullopt}}), WithoutBlanks("00 700001 0102 8082 807f"));
}

TEST(SliceKeyTest, SpellsAScalar) { EXPECT_EQ(Hex("s", {}), WithoutBlanks("00 730001 00")); }

TEST(SliceKeyTest, SpellsNumbersAsOrderedCode) {
  EXPECT_EQ(StartHex(0), "80");
  EXPECT_EQ(StartHex(63), "bf");
  EXPECT_EQ(StartHex(64), "c040");
  EXPECT_EQ(StartHex(8191), "dfff");
  EXPECT_EQ(StartHex(8192), "e02000");
  EXPECT_EQ(StartHex(0x424242), "f0424242");
  EXPECT_EQ(StartHex(1999999999), "f8773593ff");
  EXPECT_EQ(StartHex(kMax), "ffc07fffffffffffffff");
  EXPECT_EQ(StartHex(-1), "7f");
  EXPECT_EQ(StartHex(-64), "40");
  EXPECT_EQ(StartHex(-65), "3fbf");
  EXPECT_EQ(StartHex(-0x800), "3800");
}

TEST(SliceKeyTest, EscapesTheNamesBytes) {
  const std::string name("\0a\xff\1", 4);
  EXPECT_EQ(Hex(name, {}), WithoutBlanks("00 00ff61ff0001 0001 00"));
}

TEST(SliceKeyTest, GivesBackWhatItWasMadeOf) {
  const std::vector<std::string> names = {"", "a/b", std::string("\0\xff\0\1", 4), "\xff\xfe",
                                          EncodeSliceKey("inner", {{1, 2}})};
  for (const std::string& name : names) {
    for (int64_t number : EdgeNumbers()) {
      const std::vector<ExtentSpec> extents = {{number, 1}, {0, std::nullopt}, {3, number}};
      const std::optional<SliceKey> key = DecodeSliceKey(EncodeSliceKey(name, extents));
      ASSERT_TRUE(key.has_value()) << number;
      EXPECT_EQ(key->raw_name, name);
      ASSERT_EQ(key->extents.size(), extents.size());
      for (size_t i = 0; i < extents.size(); ++i) {
        EXPECT_EQ(key->extents[i].start, extents[i].start);
        EXPECT_EQ(key->extents[i].length, extents[i].length);
      }
    }
  }
}

TEST(SliceKeyTest, SortsAsTheNumbersDo) {
  std::vector<int64_t> numbers = EdgeNumbers();
  for (int64_t a : numbers) {
    for (int64_t b : numbers) {
      EXPECT_EQ(EncodeSliceKey("n", {{a, 1}}) < EncodeSliceKey("n", {{b, 1}}), a < b)
          << a << " and " << b;
    }
  }
}

TEST(SliceKeyTest, RefusesWhatIsCutOrContinued) {
  const std::string key = EncodeSliceKey(std::string("n\0\xff", 3), {{100, 20000}, {0, {}}});
  ASSERT_TRUE(DecodeSliceKey(key).has_value());
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(DecodeSliceKey(key.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(DecodeSliceKey(key + '\0').has_value());
}

TEST(SliceKeyTest, RefusesWhatTheEncoderNeverWrites) {
  for (const char* hex : {
           "01 01 760001 00",                             // not 0 in front
           "760001 00",                                   // a plain name
           "00 76 0002 00",                               // no such escape
           "00 76 ff01 0001 00",                          // no such escape
           "00 760001 0100",                              // rank 0 in one byte
           "00 760001 020001 8585",                       // rank 1 in two bytes
           "00 760001 0900000000000000000000",            // a number of nine bytes
           "00 760001 08ffffffffffffffff 8585",           // more dimensions than bytes
           "00 760001 0101 c005 85",                      // 5 in two bytes
           "00 760001 0101 7f 85",                        // starts at -1
           "00 760001 0101 80 7e",                        // length -2
           "00 760001 0101 ffe0000000000000000000 85",    // a number of eleven bytes
           "00 760001 0101 ffc0ffffffffffffffff 85",      // 64 bits, positive
           "00 760001 0101 ffff ffffffffffffffffffffff",  // no end of ones
       }) {
    EXPECT_FALSE(DecodeSliceKey(absl::HexStringToBytes(WithoutBlanks(hex))).has_value()) << hex;
  }
}

TEST(SliceKeyTest, ReadsOneKeyOneWay) {
  // Whatever decodes at all encodes to the same bytes.
  std::string key = EncodeSliceKey(std::string("a\0b", 3), {{64, 8192}, {0, std::nullopt}});
  for (size_t at = 0; at < key.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string other = key;
      other[at] = static_cast<char>(byte);
      const std::optional<SliceKey> decoded = DecodeSliceKey(other);
      if (!decoded.has_value()) continue;
      EXPECT_EQ(EncodeSliceKey(decoded->raw_name, decoded->extents), other);
    }
  }
}

}  // namespace
}  // namespace cairn
