#include "base/key_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

TEST(KeyTextTest, PrintableUtf8StandsForItself) {
  for (const char* key : {"", "model/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", "a b~", "h\xc3\xa9",
                          "\xc2\xa0", "\xe2\x82\xac", "\xef\xbf\xbf", "\xf0\x9f\x98\x80",
                          "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(KeyTextFromBytes(key), key);
    EXPECT_THAT(BytesFromKeyText(key), IsOkAndHolds(key));
  }
}

TEST(KeyTextTest, EverythingElseIsEscapedByteByByte) {
  struct {
    absl::string_view bytes;
    const char* text;
  } const cases[] = {
      {"a\nb", "a\\x0ab"},
      {absl::string_view("\0", 1), "\\x00"},
      {"\x7f", "\\x7f"},
      {"a\\b", "a\\x5cb"},
      {"\\x41", "\\x5cx41"},
      {"\xff", "\\xff"},
      {"\x80", "\\x80"},                    // a continuation alone
      {"\xc3", "\\xc3"},                    // cut off
      {"\xe2\x82", "\\xe2\\x82"},           // cut off
      {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},  // cut off
      {"\xe2\x82"
       "A",
       "\\xe2\\x82"
       "A"},                                         // broken off
      {"\xc0\x80", "\\xc0\\x80"},                    // overlong
      {"\xc1\xbf", "\\xc1\\xbf"},                    // overlong
      {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},           // overlong
      {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},  // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},  // above U+10FFFF
      {"\xc2\x80", "\\xc2\\x80"},                    // C1 control
      {"\xc2\x9f", "\\xc2\\x9f"},                    // C1 control
  };
  for (const auto& expected : cases) {
    EXPECT_EQ(KeyTextFromBytes(expected.bytes), expected.text);
    EXPECT_THAT(BytesFromKeyText(expected.text), IsOkAndHolds(expected.bytes));
  }
}

TEST(KeyTextTest, NoOtherTextIsAKey) {
  for (const char* text : {"a\nb", "\x7f", "\xff", "\xc2\x85", "\xed\xa0\x80", "\\", "a\\", "\\x",
                           "\\x0", "\\n", "\\\\", "\\X0a", "\\x0A", "\\xg0", "\\x 1"}) {
    EXPECT_THAT(BytesFromKeyText(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(KeyTextTest, AnEscapeOfWhatNeedsNoneIsRefused) {
  EXPECT_THAT(BytesFromKeyText("ab\\x41"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at byte 2")));
  EXPECT_THAT(BytesFromKeyText("\\x0a\\xc3\\xa9"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at byte 4")));
}

TEST(KeyTextTest, ErrorsSayWhereAndStayPrintable) {
  const absl::Status status = BytesFromKeyText("ab\xff").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at byte 2")));
  EXPECT_EQ(std::string(status.message()).find('\xff'), std::string::npos);
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST(KeyTextTest, ValidatesLength) {
  EXPECT_OK(ValidateKeyText("a"));
  EXPECT_OK(ValidateKeyText(std::string(kMaxKeyBytes, 'a')));
  EXPECT_THAT(ValidateKeyText(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateKeyText(std::string(kMaxKeyBytes + 1, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateKeyText("a\\"), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Strings made mostly of the bytes at which the rules turn.
std::string RandomString(std::mt19937& random) {
  constexpr absl::string_view kTurning(
      "\\x0a5cfA\0\x1f\x20\x7e\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xc3\xdf\xe0\xe1\xed\xee\xef"
      "\xf0\xf1\xf4\xf5\xff",
      33);
  std::string bytes(random() % 12, '\0');
  for (char& byte : bytes) {
    byte = random() % 8 == 0 ? static_cast<char>(random()) : kTurning[random() % kTurning.size()];
  }
  return bytes;
}

TEST(KeyTextTest, AnyBytesComeBackFromTheirText) {
  std::mt19937 random(1);
  for (int round = 0; round < 50000; ++round) {
    const std::string bytes = RandomString(random);
    ASSERT_THAT(BytesFromKeyText(KeyTextFromBytes(bytes)), IsOkAndHolds(bytes));
  }
}

TEST(KeyTextTest, AnyAcceptedTextComesBackFromItsBytes) {
  std::mt19937 random(2);
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string text = RandomString(random);
    if (round % 2 == 0) text = KeyTextFromBytes(text.substr(0, 3)) + text;
    absl::StatusOr<std::string> bytes = BytesFromKeyText(text);
    if (!bytes.ok()) continue;
    ++accepted;
    ASSERT_EQ(KeyTextFromBytes(*bytes), text);
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Utf8Test, KnowsWhatIsUtf8) {
  for (absl::string_view text : {absl::string_view(), absl::string_view("a\0\n\x7f\\", 5),
                                 absl::string_view("\xc2\x80\xf4\x8f\xbf\xbf")}) {
    EXPECT_TRUE(IsUtf8(text)) << KeyTextFromBytes(text);
  }
  for (const char* bytes : {"\x80", "a\xc3", "\xe2\x82z", "\xc0\x80", "\xe0\x9f\xbf",
                            "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(IsUtf8(bytes)) << KeyTextFromBytes(bytes);
  }
}

TEST(KeyPrefixTest, SelectsTheKeyAndWhatContinuesIt) {
  EXPECT_TRUE(KeyPrefixSelects("model/l1", "model/l1", '/'));
  EXPECT_TRUE(KeyPrefixSelects("model/l1", "model/l1/kernel", '/'));
  EXPECT_TRUE(KeyPrefixSelects("model/l1/", "model/l1/kernel", '/'));
  EXPECT_TRUE(KeyPrefixSelects("model/l1/", "model/l1", '/'));
  EXPECT_TRUE(KeyPrefixSelects("layers.1", "layers.1.weight", '.'));
  EXPECT_TRUE(KeyPrefixSelects("", "anything", '/'));
  EXPECT_FALSE(KeyPrefixSelects("model/l1", "model/l10", '/'));
  EXPECT_FALSE(KeyPrefixSelects("model/l1", "model", '/'));
  EXPECT_FALSE(KeyPrefixSelects("layers.1", "layers.1/weight", '.'));
  EXPECT_FALSE(KeyPrefixSelects("layers.1/", "layers.1", '.'));
}

}  // namespace
}  // namespace cairn
