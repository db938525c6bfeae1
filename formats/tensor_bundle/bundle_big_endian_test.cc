// Checkpoints that a big-endian machine wrote.
#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "formats/tensor_bundle/byte_order.h"
#include "formats/tensor_bundle/coding.h"
#include "formats/tensor_bundle/forged_bundle.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BigEndianTest : public ForgedBundleTest {
 protected:
  BigEndianTest() { header_.set_endianness(formats::BundleHeader::BIG); }
};

// A string tensor as a big-endian TensorFlow writes it, and the sum of its entry.
std::pair<std::string, uint32_t> BigEndianStrings(const std::vector<std::string>& strings) {
  const auto big = [](uint64_t value) {
    std::string bytes;
    AppendFixed(value, 4, &bytes);
    return std::string(bytes.rbegin(), bytes.rend());
  };
  std::string bytes, lengths, joined;
  for (const std::string& string : strings) {
    AppendVarint(string.size(), &bytes);
    lengths += big(string.size());
    joined += string;
  }
  const std::string stored = big(MaskCrc32c(Crc32c(lengths)));
  return {bytes + stored + joined, Crc32c(lengths + stored + joined)};
}

TEST_F(BigEndianTest, NumbersOfEveryWidthBecomeLittleEndian) {
  const struct {
    const char* name;
    int32_t dtype;
    const char* in_file;
    const char* ours;
  } kCases[] = {
      {"bool", 10, "01", "01"},
      {"complex128", 18, "00010203040506078081828384858687", "07060504030201008786858483828180"},
      {"complex64", 8, "0001020380818283", "0302010083828180"},
      {"float16", 19, "3e00", "003e"},
      {"float64", 2, "0001020304050607", "0706050403020100"},
      {"float8", 25, "38", "38"},
      {"int32", 3, "00010203", "03020100"},
      {"qint16", 15, "0001", "0100"},
      {"qint32", 13, "00010203", "03020100"},
      {"qint8", 11, "7f", "7f"},
  };
  for (const auto& c : kCases) {
    entries_[c.name] = Stored(c.dtype, {1}, absl::HexStringToBytes(c.in_file));
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  for (const auto& c : kCases) {
    const BundleTensor& tensor = *reader->Find(c.name);
    ASSERT_OK_AND_ASSIGN(const std::string bytes, reader->ReadWhole(tensor));
    EXPECT_EQ(absl::BytesToHexString(bytes), c.ours) << c.name;
    EXPECT_THAT(reader->SumOf(tensor, tensor.slices[0]), IsOkAndHolds(Crc32c(bytes))) << c.name;
  }
}

TEST_F(BigEndianTest, AnyRangeIsOfTheTurnedBytes) {
  entries_["t"] = Stored(3, {3}, absl::HexStringToBytes("000102030405060708090a0b"));
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  const BundleTensor& tensor = *reader->Find("t");
  const std::string ours = absl::HexStringToBytes("0302010007060504") + "\x0b\x0a\x09\x08";
  for (size_t begin = 0; begin <= ours.size(); ++begin) {
    for (size_t size = 0; begin + size <= ours.size(); ++size) {
      std::string bytes(size, '\0');
      ASSERT_OK(reader->ReadAt(tensor, tensor.slices[0], static_cast<int64_t>(begin),
                               absl::MakeSpan(bytes)));
      EXPECT_EQ(bytes, ours.substr(begin, size)) << begin << " " << size;
    }
  }
  std::string bytes(2, '\0');
  for (const int64_t offset : {-1, 11, 12, 13}) {
    EXPECT_THAT(reader->ReadAt(tensor, tensor.slices[0], offset, absl::MakeSpan(bytes)),
                StatusIs(absl::StatusCode::kOutOfRange))
        << offset;
  }
}

TEST_F(BigEndianTest, ManyBytesAreSummedInPieces) {
  std::string bytes((size_t{2} << 20) + 24, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  entries_["t"] = Stored(2, {static_cast<int64_t>(bytes.size()) / 8}, bytes);
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  ReverseEach(8, absl::MakeSpan(bytes));
  const BundleTensor& tensor = *reader->Find("t");
  EXPECT_THAT(reader->SumOf(tensor, tensor.slices[0]), IsOkAndHolds(Crc32c(bytes)));
}

TEST_F(BigEndianTest, StringsAreSummedInTheWritersOrder) {
  const auto [bytes, crc32c] = BigEndianStrings({"", "hello", std::string(300, 'x')});
  entries_["s"] = Stored(7, {3}, bytes, crc32c);
  const auto [nothing, crc32c_of_nothing] = BigEndianStrings({});
  entries_["none"] = Stored(7, {0}, nothing, crc32c_of_nothing);
  ASSERT_OK_AND_ASSIGN(auto reader, Open());
  ASSERT_OK_AND_ASSIGN(const std::string ours, reader->ReadWhole(*reader->Find("s")));
  EXPECT_EQ(ours.substr(0, 24),
            absl::HexStringToBytes("000000000000000005000000000000002c01000000000000"));
  EXPECT_EQ(ours.substr(24), "hello" + std::string(300, 'x'));
  EXPECT_THAT(reader->ReadWhole(*reader->Find("none")), IsOkAndHolds(""));
  // The same bytes are damage to a reader that takes them for little-endian.
  header_.set_endianness(formats::BundleHeader::LITTLE);
  ASSERT_OK_AND_ASSIGN(reader, Open());
  EXPECT_THAT(reader->ReadWhole(*reader->Find("s")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(BigEndianTest, EveryChangedByteIsFound) {
  entries_["n"] = Stored(3, {2}, "abcdefgh");
  const auto [bytes, crc32c] = BigEndianStrings({"x", "yz"});
  entries_["s"] = Stored(7, {2}, bytes, crc32c);
  for (char& byte : data()) {
    byte ^= 0x10;
    ASSERT_OK_AND_ASSIGN(const auto reader, Open());
    const BundleTensor& n = *reader->Find("n");
    const bool numbers = !reader->ReadWhole(n).ok();
    EXPECT_EQ(reader->SumOf(n, n.slices[0]).ok(), !numbers);
    EXPECT_NE(numbers, !reader->ReadWhole(*reader->Find("s")).ok());
    byte ^= 0x10;
  }
}

TEST_F(BigEndianTest, SlicesBecomeLittleEndianToo) {
  AddSliced("t", 17, {2}, {{{{0, 1}}, "ab"}, {{{1, 1}}, "cd"}});
  ASSERT_OK_AND_ASSIGN(const auto reader, Open());
  const BundleTensor& tensor = *reader->Find("t");
  EXPECT_THAT(reader->ReadWhole(tensor, tensor.slices[0]), IsOkAndHolds("ba"));
  EXPECT_THAT(reader->ReadWhole(tensor, tensor.slices[1]), IsOkAndHolds("dc"));
}

TEST_F(BigEndianTest, WhatCannotBeTurnedIsRefusedByName) {
  for (const int32_t dtype : {21, 34, 999}) {
    entries_ = {{"fine", Stored(3, {1}, "abcd")}, {"odd", Stored(dtype, {0}, "")}};
    EXPECT_THAT(Open(), AllOf(StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("big-endian, and tensor odd is of dtype tf:")),
                              HasReason(ErrorReason::ERROR_REASON_BAD_FILE)))
        << dtype;
  }
}

TEST_F(BigEndianTest, AnotherByteOrderIsRefused) {
  entries_["t"] = Stored(3, {1}, "abcd");
  std::string header = header_.SerializeAsString();
  header[header.find("\x10\x01") + 1] = 2;
  EXPECT_THAT(OpenValues({{"", header}, {"t", entries_["t"].SerializeAsString()}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte order 2")));
}

}  // namespace
}  // namespace cairn
