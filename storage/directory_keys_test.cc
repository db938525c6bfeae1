#include "storage/directory_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(DirectoryKeysTest, NumbersSortAsNumbers) {
  const int64_t kAscending[] = {0, 1, 2, 255, 256, 65535, 1 << 20, int64_t{1} << 40, kMax};
  for (size_t i = 1; i < std::size(kAscending); ++i) {
    EXPECT_LT(NumberKey(kAscending[i - 1]), NumberKey(kAscending[i]));
    EXPECT_LT(PromisePrefix(kAscending[i - 1]), PromisePrefix(kAscending[i]));
    EXPECT_GT(OrderKey(kAscending[i - 1]), OrderKey(kAscending[i]));
  }
}

TEST(DirectoryKeysTest, BigEndianComesBack) {
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{0x0102030405060708}, ~uint64_t{0}}) {
    EXPECT_EQ(BigEndianSuffix("x" + BigEndian(value)), value);
  }
  EXPECT_EQ(BigEndian(0x0102030405060708), "\1\2\3\4\5\6\7\10");
}

TEST(DirectoryKeysTest, APrefixEndsAfterAllItsKeys) {
  EXPECT_EQ(PrefixEnd("session/"), "session0");
  EXPECT_LT(SessionKey("zzz"), PrefixEnd(kSessionPrefix));
  EXPECT_LT(WriterKey("a", "z"), PrefixEnd(WriterPrefix("a")));
}

TEST(DirectoryKeysTest, NamesCannotForgeOtherRows) {
  EXPECT_OK(ValidateName("session", "Run-7_b.2"));
  EXPECT_OK(ValidateName("session", std::string(128, 'a')));
  for (const std::string& bad : {std::string(), std::string("a/writer/b"), std::string("a\0", 2),
                                 std::string("ä"), std::string("a b"), std::string(129, 'a')}) {
    EXPECT_THAT(ValidateName("writer", bad),
                StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("writer")));
  }
}

TEST(DirectoryKeysTest, RequestIdsAreShortAndPrintable) {
  EXPECT_OK(ValidateRequestId(""));
  EXPECT_OK(ValidateRequestId("3f2c0a54-8f0e-4c7e-9d55-1d5c4f2a9a10"));
  EXPECT_THAT(ValidateRequestId("a\n"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateRequestId(std::string(129, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn::storage
