#include "formats/checkpoint_v1/wire.h"

#include <cstring>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

// A window over bytes in memory, which counts its reads.
struct Message {
  explicit Message(std::string content)
      : bytes(std::move(content)), window(Reader(), static_cast<int64_t>(bytes.size())) {}

  ReadWindow::ReadFn Reader() {
    return [this](int64_t offset, absl::Span<char> out) {
      ++reads;
      std::memcpy(out.data(), bytes.data() + offset, out.size());
      return absl::OkStatus();
    };
  }

  WireReader Fields() { return WireReader(&window, 0, static_cast<int64_t>(bytes.size())); }

  std::string bytes;
  int reads = 0;
  ReadWindow window;
};

TEST(ReadWindowTest, ReadsOnlyWhatItDoesNotHold) {
  Message message(std::string(static_cast<size_t>(ReadWindow::kBytes) + 10, 'x'));
  ASSERT_OK_AND_ASSIGN(absl::string_view bytes, message.window.At(0, 1));
  EXPECT_EQ(bytes.size(), static_cast<size_t>(ReadWindow::kBytes));
  ASSERT_OK_AND_ASSIGN(bytes, message.window.At(ReadWindow::kBytes - 5, 5));
  EXPECT_EQ(message.reads, 1);
  EXPECT_EQ(bytes.size(), 5);
  ASSERT_OK_AND_ASSIGN(bytes, message.window.At(ReadWindow::kBytes - 5, 6));
  EXPECT_EQ(message.reads, 2);
  EXPECT_EQ(bytes.size(), 15);
  ASSERT_OK_AND_ASSIGN(bytes, message.window.At(ReadWindow::kBytes + 10, 7));
  EXPECT_EQ(bytes, "");
}

TEST(ReadWindowTest, AnErrorLeavesNothingBehind) {
  bool fails = true;
  ReadWindow window(
      [&](int64_t, absl::Span<char> out) -> absl::Status {
        std::memset(out.data(), 'x', out.size());
        return fails ? absl::DataLossError("no disk") : absl::OkStatus();
      },
      10);
  EXPECT_THAT(window.At(0, 3), StatusIs(absl::StatusCode::kDataLoss, "no disk"));
  fails = false;
  EXPECT_THAT(window.At(0, 3), IsOkAndHolds(std::string(10, 'x')));
}

TEST(WireTest, GivesEachFieldItsNumberTypeAndPlace) {
  Message message(
      "\x08\x96\x01"
      "\x12\x02hi"
      "\x1d"
      "abcd"
      "\x21"
      "abcdefgh");
  WireReader fields = message.Fields();
  ASSERT_OK_AND_ASSIGN(WireField field, fields.Next());
  EXPECT_EQ(field.number, 1);
  EXPECT_EQ(field.type, WireType::kVarint);
  EXPECT_EQ(field.value, 150);
  ASSERT_OK_AND_ASSIGN(field, fields.Next());
  EXPECT_EQ(field.number, 2);
  EXPECT_THAT(ReadField(&message.window, field, 2), IsOkAndHolds("hi"));
  ASSERT_OK_AND_ASSIGN(field, fields.Next());
  EXPECT_EQ(field.type, WireType::kFixed32);
  EXPECT_EQ(field.size(), 4);
  ASSERT_OK_AND_ASSIGN(field, fields.Next());
  EXPECT_EQ(field.type, WireType::kFixed64);
  EXPECT_EQ(field.size(), 8);
  EXPECT_TRUE(fields.done());
}

TEST(WireTest, AFieldLargerThanItMayBeIsNotRead) {
  Message message("\x12\x02hi");
  ASSERT_OK_AND_ASSIGN(const WireField field, message.Fields().Next());
  EXPECT_THAT(ReadField(&message.window, field, 1),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("2 bytes, more than 1")));
}

TEST(WireTest, WhatIsNoMessageIsRefused) {
  const std::string overlong(11, '\x80');
  for (const std::string& bytes :
       {std::string("\x80"), overlong, std::string("\x00\x00", 2), std::string("\x08"),
        std::string("\x12\x03hi"), std::string("\x0b"), std::string("\x0c"), std::string("\x0e"),
        std::string("\x0f"),
        std::string("\x1d"
                    "abc"),
        std::string("\x21"
                    "abcdefg"),
        std::string("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        std::string("\xf8\xff\xff\xff\xff\x7f\x01")}) {
    Message message(bytes);
    EXPECT_THAT(message.Fields().Next(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("does not parse")))
        << testing::PrintToString(bytes);
  }
}

TEST(WireTest, AMessageEndsWhereItsParentSays) {
  // Field 1 of two bytes, of which the inner field claims three.
  Message message("\x0a\x02\x0a\x01x");
  ASSERT_OK_AND_ASSIGN(const WireField outer, message.Fields().Next());
  WireReader inner(&message.window, outer.begin, outer.end);
  EXPECT_THAT(inner.Next(), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn
