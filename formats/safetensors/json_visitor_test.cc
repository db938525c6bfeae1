#include "formats/safetensors/json_visitor.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

// Writes down what it is told.
class Recorder : public JsonVisitor {
 public:
  std::string told;
  std::string fail_at;  // a key

  absl::Status BeginObject() override { return Tell("{"); }
  absl::Status EndObject() override { return Tell("}"); }
  absl::Status BeginArray() override { return Tell("["); }
  absl::Status EndArray() override { return Tell("]"); }
  absl::Status Key(std::string key) override {
    if (key == fail_at) return absl::OutOfRangeError("far enough");
    return Tell(absl::StrCat(key, ":"));
  }
  absl::Status String(std::string value) override { return Tell(absl::StrCat("'", value, "' ")); }
  absl::Status Unsigned(uint64_t value) override { return Tell(absl::StrCat(value, " ")); }
  absl::Status Null() override { return Tell("null "); }
  absl::Status Other() override { return Tell("other "); }

 private:
  absl::Status Tell(absl::string_view what) {
    absl::StrAppend(&told, what);
    return absl::OkStatus();
  }
};

TEST(JsonVisitorTest, TellsWhatIsThereInItsOrder) {
  Recorder recorder;
  ASSERT_OK(VisitJson(R"( {"a" : [1, "x", {"b":null}], "a": {}}
)",
                      recorder));
  EXPECT_EQ(recorder.told, "{a:[1 'x' {b:null }]a:{}}");
}

TEST(JsonVisitorTest, OnlyWholeNumbersAreNumbers) {
  Recorder recorder;
  ASSERT_OK(VisitJson(
      "[0, 18446744073709551615, -1, -0, 1.0, 1e3, 18446744073709551616, true, false]", recorder));
  EXPECT_EQ(recorder.told, "[0 18446744073709551615 other other other other other other other ]");
}

TEST(JsonVisitorTest, StringsAreUnescaped) {
  Recorder recorder;
  ASSERT_OK(VisitJson(R"(["\u00e9\ud83d\ude00\n\u0000\/"])", recorder));
  EXPECT_EQ(recorder.told,
            absl::StrCat("['\xc3\xa9\xf0\x9f\x98\x80\n", absl::string_view("\0", 1), "/' ]"));
}

TEST(JsonVisitorTest, EverythingElseIsRefused) {
  for (absl::string_view text : {
           absl::string_view(""),
           absl::string_view(" "),
           absl::string_view("{"),
           absl::string_view("{}{}"),
           absl::string_view("{} x"),
           absl::string_view("{a:1}"),
           absl::string_view("{'a':1}"),
           absl::string_view("[1,]"),
           absl::string_view("{\"a\":1,}"),
           absl::string_view("[01]"),
           absl::string_view("[+1]"),
           absl::string_view("[1e999]"),
           absl::string_view("[NaN]"),
           absl::string_view("[\"a\nb\"]"),
           absl::string_view("[\"\\x\"]"),
           absl::string_view("[\"\\ud800\"]"),
           absl::string_view("[\"\xff\"]"),
           absl::string_view("[\"\xc0\x80\"]"),
           absl::string_view("[\"\xed\xa0\x80\"]"),
           absl::string_view("\xef\xbb\xbf{}"),
           absl::string_view("{}\0", 3),
           absl::string_view("{}\0garbage", 10),
           absl::string_view("/* a */ {}"),
       }) {
    Recorder recorder;
    EXPECT_THAT(VisitJson(text, recorder),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte")))
        << text;
  }
}

TEST(JsonVisitorTest, AnErrorEndsTheWalk) {
  Recorder recorder;
  recorder.fail_at = "b";
  EXPECT_THAT(VisitJson(R"({"a":1,"b":2,"c":3})", recorder),
              StatusIs(absl::StatusCode::kOutOfRange, "far enough"));
  EXPECT_EQ(recorder.told, "{a:1 ");
}

TEST(JsonVisitorTest, DepthTakesNoStack) {
  Recorder recorder;
  const std::string open(1'000'000, '[');
  EXPECT_FALSE(VisitJson(open, recorder).ok());
  EXPECT_OK(VisitJson(absl::StrCat(open, std::string(open.size(), ']')), recorder));
}

TEST(QuoteJsonTest, WhatIsQuotedComesBack) {
  EXPECT_EQ(QuoteJson("h\xc3\xa9 \"\\/\n\x01\x7f"), "\"h\xc3\xa9 \\\"\\\\/\\n\\u0001\x7f\"");
  for (absl::string_view text : {absl::string_view(), absl::string_view("a\0b", 3),
                                 absl::string_view("\xf4\x8f\xbf\xbf\xc2\x80\t\b\f\r")}) {
    Recorder recorder;
    ASSERT_OK(VisitJson(QuoteJson(text), recorder));
    EXPECT_EQ(recorder.told, absl::StrCat("'", text, "' "));
  }
}

}  // namespace
}  // namespace cairn
