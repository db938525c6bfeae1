#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cairn {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32cTest, AgreesWithTheVectorsOfRfc3720) {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(Crc32c(descending), 0x113fdb5cu);
}

TEST(Crc32cTest, AgreesWithTheCheckValue) { EXPECT_EQ(Crc32c("123456789"), 0xe3069283u); }

TEST(Crc32cTest, SumOfNoBytesIsZero) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(ExtendCrc32c(0x12345678, ""), 0x12345678u);
}

std::string RandomBytes(size_t count) {
  std::mt19937 random(1);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// The definition, a bit at a time.
uint32_t SlowCrc32c(absl::string_view bytes) {
  uint32_t crc = ~0u;
  for (char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32cTest, AgreesWithTheDefinitionAtEveryLengthAndAlignment) {
  const std::string bytes = RandomBytes(700);
  for (size_t start = 0; start < 17; ++start) {
    for (size_t count = 0; start + count <= bytes.size(); count += 13) {
      const absl::string_view part(bytes.data() + start, count);
      ASSERT_EQ(Crc32c(part), SlowCrc32c(part)) << start << " " << count;
    }
  }
}

TEST(Crc32cTest, EverySplitExtendsAndConcatenatesToTheWhole) {
  const std::string bytes = RandomBytes(300);
  const uint32_t whole = Crc32c(bytes);
  for (size_t split = 0; split <= bytes.size(); ++split) {
    const absl::string_view head(bytes.data(), split);
    const absl::string_view tail(bytes.data() + split, bytes.size() - split);
    ASSERT_EQ(ExtendCrc32c(Crc32c(head), tail), whole);
    ASSERT_EQ(ConcatCrc32c(Crc32c(head), Crc32c(tail), tail.size()), whole);
  }
}

TEST(Crc32cTest, ConcatenatesLengthsThatNoMemoryHolds) {
  // Zeros of 2^40 bytes twice over make 2^41 of them, whichever way they are put together.
  uint32_t zeros = Crc32c(absl::string_view("\0", 1));
  for (int power = 0; power < 40; ++power) zeros = ConcatCrc32c(zeros, zeros, uint64_t{1} << power);
  const uint32_t doubled = ConcatCrc32c(zeros, zeros, uint64_t{1} << 40);
  const uint32_t one_more = ConcatCrc32c(doubled, Crc32c("x"), 1);
  const uint32_t tail = ConcatCrc32c(zeros, Crc32c("x"), 1);
  EXPECT_EQ(ConcatCrc32c(zeros, tail, (uint64_t{1} << 40) + 1), one_more);
  EXPECT_NE(doubled, zeros);
}

TEST(Crc32cTest, MasksAsLevelDbDoes) {
  EXPECT_EQ(MaskCrc32c(0), 0xa282ead8u);
  for (uint32_t crc : {0u, 1u, 0xe3069283u, 0xffffffffu}) {
    EXPECT_EQ(UnmaskCrc32c(MaskCrc32c(crc)), crc);
    EXPECT_NE(MaskCrc32c(crc), crc);
    EXPECT_NE(MaskCrc32c(MaskCrc32c(crc)), crc);
  }
}

}  // namespace
}  // namespace cairn
