#include "formats/tensor_bundle/string_tensor.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

// Our bytes of ["", "hello"].
std::string EmptyAndHello() {
  return absl::StrCat(std::string(8, '\0'), "\x05", std::string(7, '\0'), "hello");
}

// What TensorFlow writes for it.
std::string FileBytes() { return absl::HexStringToBytes("0005763f05f668656c6c6f"); }
constexpr uint32_t kFileCrc = 0x498efb0f;

TEST(StringTensorTest, EncodesAsTensorFlowDoes) {
  ASSERT_OK_AND_ASSIGN(const EncodedStrings encoded, EncodeStringTensor(EmptyAndHello(), 2));
  EXPECT_EQ(encoded.bytes, FileBytes());
  EXPECT_EQ(encoded.crc32c, kFileCrc);
}

TEST(StringTensorTest, DecodesWhatTensorFlowWrote) {
  EXPECT_THAT(DecodeStringTensor(FileBytes(), 2, kFileCrc), IsOkAndHolds(EmptyAndHello()));
}

TEST(StringTensorTest, NoStringsStillHaveAChecksum) {
  ASSERT_OK_AND_ASSIGN(const EncodedStrings encoded, EncodeStringTensor("", 0));
  EXPECT_EQ(absl::BytesToHexString(encoded.bytes), "d8ea82a2");
  EXPECT_EQ(encoded.crc32c, 0xeb8f60c4);
  EXPECT_THAT(DecodeStringTensor(encoded.bytes, 0, encoded.crc32c), IsOkAndHolds(""));
}

TEST(StringTensorTest, LongStringsComeBack) {
  std::string ours =
      absl::StrCat(absl::HexStringToBytes("7011010000000000"), std::string(70000, 'x'));
  ASSERT_OK_AND_ASSIGN(const EncodedStrings encoded, EncodeStringTensor(ours, 1));
  EXPECT_EQ(encoded.bytes.size(), 3 + 4 + 70000);
  EXPECT_THAT(DecodeStringTensor(encoded.bytes, 1, encoded.crc32c), IsOkAndHolds(ours));
}

TEST(StringTensorTest, EveryChangedBitIsFound) {
  for (size_t bit = 0; bit < 8 * FileBytes().size(); ++bit) {
    std::string damaged = FileBytes();
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_THAT(DecodeStringTensor(damaged, 2, kFileCrc), StatusIs(absl::StatusCode::kDataLoss))
        << bit;
  }
  EXPECT_THAT(DecodeStringTensor(FileBytes(), 2, kFileCrc ^ 1),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("checksum")));
}

TEST(StringTensorTest, EveryCutIsFound) {
  for (size_t size = 0; size < FileBytes().size(); ++size) {
    EXPECT_THAT(DecodeStringTensor(FileBytes().substr(0, size), 2, kFileCrc),
                StatusIs(absl::StatusCode::kDataLoss));
  }
  EXPECT_THAT(DecodeStringTensor(FileBytes() + "!", 2, kFileCrc),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(StringTensorTest, ForgedCountsAndLengthsAreErrors) {
  EXPECT_FALSE(DecodeStringTensor(FileBytes(), int64_t{1} << 60, kFileCrc).ok());
  EXPECT_FALSE(DecodeStringTensor(FileBytes(), -1, kFileCrc).ok());
  const std::string huge =
      absl::HexStringToBytes("ffffffffffffffffff01ffffffffffffffffff0100000000");
  EXPECT_FALSE(DecodeStringTensor(huge, 2, 0).ok());
}

TEST(StringTensorTest, BytesThatAreNoStringsAreNotEncoded) {
  const std::string ours = EmptyAndHello();
  EXPECT_THAT(EncodeStringTensor(ours, 3), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeStringTensor(ours, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeStringTensor(ours, -1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeStringTensor(ours.substr(0, ours.size() - 1), 2),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeStringTensor(std::string(16, '\xff'), 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("string 0")));
}

}  // namespace
}  // namespace cairn
