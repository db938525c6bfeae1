#include "storage/stream_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

StreamToken SomeToken() {
  return {*Uid::FromHex("000102030405060708090a0b0c0d0e0f"),
          {std::string("\x02w\0", 3), int64_t{1} << 40},
          {"z", StreamPosition::kWholeRow}};
}

// `bytes` with a sum that fits, as a forger would make it.
std::string WithSum(std::string bytes) {
  const uint32_t sum = Crc32c(bytes);
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(sum >> 8 * i & 0xff));
  return bytes;
}

TEST(StreamTokenTest, DecodeGivesBackWhatEncodeTook) {
  EXPECT_THAT(DecodeStreamToken(EncodeStreamToken(SomeToken())), IsOkAndHolds(SomeToken()));
  EXPECT_THAT(DecodeStreamToken(EncodeStreamToken({})), IsOkAndHolds(StreamToken()));
}

TEST(StreamTokenTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  const std::string good = EncodeStreamToken(SomeToken());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_THAT(DecodeStreamToken(absl::string_view(good).substr(0, i)),
                StatusIs(absl::StatusCode::kInvalidArgument));
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 1 << bit);
      EXPECT_THAT(DecodeStreamToken(bad), StatusIs(absl::StatusCode::kInvalidArgument));
    }
  }
  EXPECT_THAT(DecodeStreamToken(good + "x"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(StreamTokenTest, AFittingSumDoesNotMakeNonsenseAToken) {
  const std::string good = EncodeStreamToken(SomeToken());
  const std::string body = good.substr(0, good.size() - 4);
  ASSERT_EQ(WithSum(body), good);
  const auto refused = [](std::string bytes) {
    EXPECT_THAT(DecodeStreamToken(WithSum(std::move(bytes))),
                StatusIs(absl::StatusCode::kInvalidArgument));
  };
  for (size_t size = 0; size < body.size(); ++size) refused(body.substr(0, size));
  refused(body + "x");
  std::string other = body;
  other[0] = 2;  // version
  refused(other);
  other = body;
  other[17] = other[18] = '\xff';  // length of the first row key
  refused(other);
  refused(EncodeStreamToken({Uid(), {"k", -1}, {}}).substr(0, 40));
  const std::string negative = EncodeStreamToken({Uid(), {"k", -1}, {}});
  EXPECT_THAT(DecodeStreamToken(negative), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn::storage
