#include "formats/safetensors/index_file.h"

#include <gmock/gmock.h>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(SafetensorsIndexTest, TellsTheFileOfEachTensor) {
  EXPECT_THAT(
      ParseSafetensorsIndex(R"({"metadata": {"total_size": 24, "more": [{"weight_map": 1}]},
                                        "weight_map": {"b": "x-2.safetensors",
                                                       "a": "x-1.safetensors"},
                                        "other": {"a": 1}})"),
      IsOkAndHolds(ElementsAre(Pair("a", "x-1.safetensors"), Pair("b", "x-2.safetensors"))));
}

TEST(SafetensorsIndexTest, NoFileLiesOutsideTheFolder) {
  EXPECT_THAT(ParseSafetensorsIndex(
                  R"({"weight_map": {"a": "../up", "b": "/etc/passwd", "c": "sub/../in"}})"),
              IsOkAndHolds(ElementsAre(Pair("a", "up"), Pair("b", "passwd"), Pair("c", "in"))));
}

TEST(SafetensorsIndexTest, EveryOtherFormIsRefused) {
  struct {
    const char* json;
    const char* says;
  } const cases[] = {
      {"", "JSON"},
      {"[]", "no weight_map"},
      {"7", "no weight_map"},
      {"\"weight_map\"", "no weight_map"},
      {R"([{"weight_map": {"a": "f"}}])", "no weight_map"},
      {R"({"metadata": {"weight_map": {"a": "f"}}})", "no weight_map"},
      {"{}", "no weight_map"},
      {R"({"weight_map": {}})", "no tensor"},
      {R"({"weight_map": null})", "not an object"},
      {R"({"weight_map": "f"})", "not an object"},
      {R"({"weight_map": 7})", "not an object"},
      {R"({"weight_map": ["f"]})", "not an object"},
      {R"({"weight_map": {"a": 7}})", "not an object"},
      {R"({"weight_map": {"a": null}})", "not an object"},
      {R"({"weight_map": {"a": true}})", "not an object"},
      {R"({"weight_map": {"a": ["f"]}})", "not an object"},
      {R"({"weight_map": {"a": {"b": "f"}}})", "not an object"},
      {R"({"weight_map": {"a": "f"}, "weight_map": {"b": "f"}})", "twice"},
      {R"({"weight_map": {"a": "f", "a": "f"}})", "\"a\" is in weight_map twice"},
      {R"({"weight_map": {"a": ""}})", "\"a\" is in a file without a name"},
      {R"({"weight_map": {"a": "sub/"}})", "without a name"},
      {R"({"weight_map": {"a": ".."}})", "without a name"},
      {R"({"weight_map": {"a": "sub/."}})", "without a name"},
      {R"({"weight_map": {"a": "f\u0000.safetensors"}})", "without a name"},
  };
  for (const auto& bad : cases) {
    EXPECT_THAT(ParseSafetensorsIndex(bad.json),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.says)))
        << bad.json;
  }
}

}  // namespace
}  // namespace cairn
