#include "formats/safetensors/header.h"

#include <gmock/gmock.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::Pair;

// One tensor of these fields, as text.
std::string Tensor(absl::string_view fields) { return absl::StrCat(R"({"w":{)", fields, "}}"); }

TEST(SafetensorsHeaderTest, ReadsTensorsInTheOrderOfTheirBytes) {
  ASSERT_OK_AND_ASSIGN(
      const SafetensorsHeader header,
      ParseSafetensorsHeader(
          R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"__metadata__":{"x":"","f":"pt"},
              "a":{"data_offsets":[0,4],"shape":[],"dtype":"I32"}}   )",
          28));
  EXPECT_THAT(header.metadata, Optional(ElementsAre(Pair("f", "pt"), Pair("x", ""))));
  ASSERT_EQ(header.tensors.size(), 2);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[0].dtype, "I32");
  EXPECT_THAT(header.tensors[0].shape, ElementsAre());
  EXPECT_EQ(header.tensors[1].name, "b");
  EXPECT_THAT(header.tensors[1].shape, ElementsAre(2, 3));
  EXPECT_EQ(header.tensors[1].begin, 4);
  EXPECT_EQ(header.tensors[1].end, 28);
}

TEST(SafetensorsHeaderTest, AllFormsOfNothing) {
  for (const char* json : {"{}", "{ }  ", R"({"__metadata__":null})"}) {
    ASSERT_OK_AND_ASSIGN(const SafetensorsHeader header, ParseSafetensorsHeader(json, 0));
    EXPECT_TRUE(header.tensors.empty()) << json;
    EXPECT_FALSE(header.metadata.has_value()) << json;
  }
  ASSERT_OK_AND_ASSIGN(const SafetensorsHeader header,
                       ParseSafetensorsHeader(R"({"__metadata__":{}})", 0));
  EXPECT_THAT(header.metadata, Optional(ElementsAre()));
}

TEST(SafetensorsHeaderTest, TensorsWithoutBytesMayStandAnywhere) {
  ASSERT_OK_AND_ASSIGN(const SafetensorsHeader header,
                       ParseSafetensorsHeader(
                           R"({"c":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
                               "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                               "z":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]},
                               "a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                           4));
  std::string names;
  for (const SafetensorsEntry& entry : header.tensors) names += entry.name;
  EXPECT_EQ(names, "azbc");
}

TEST(SafetensorsHeaderTest, WidthsBelowAByteArePacked) {
  EXPECT_OK(
      ParseSafetensorsHeader(Tensor(R"("dtype":"F4","shape":[2,3],"data_offsets":[0,3])"), 3));
  EXPECT_OK(
      ParseSafetensorsHeader(Tensor(R"("dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3])"), 3));
  EXPECT_THAT(ParseSafetensorsHeader(Tensor(R"("dtype":"F4","shape":[3],"data_offsets":[0,2])"), 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("whole number of bytes")));
}

TEST(SafetensorsHeaderTest, ADtypeOfUnknownWidthTakesTheBytesItHas) {
  EXPECT_OK(ParseSafetensorsHeader(Tensor(R"("dtype":"Q3","shape":[8],"data_offsets":[0,3])"), 3));
}

TEST(SafetensorsHeaderTest, FieldsThatWeDoNotKnowArePassedOver) {
  EXPECT_OK(ParseSafetensorsHeader(
      Tensor(R"("scale":[1.5,{"dtype":7,"shape":[[]]}],"dtype":"U8","x":{},"shape":[1],)"
             R"("y":null,"data_offsets":[0,1],"z":"s","x":-1)"),
      1));
}

TEST(SafetensorsHeaderTest, EveryWrongFieldIsNamed) {
  struct {
    const char* fields;  // of a tensor "w" in a file of 8 bytes of data
    const char* says;
  } const cases[] = {
      {R"("shape":[2],"data_offsets":[0,8])", "no dtype"},
      {R"("dtype":"F32","data_offsets":[0,8])", "no shape"},
      {R"("dtype":"F32","shape":[2])", "no data_offsets"},
      {"", "no dtype"},
      {R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])", "dtype twice"},
      {R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])", "shape twice"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8])", "offsets twice"},
      {R"("dtype":7,"shape":[2],"data_offsets":[0,8])", "dtype is not a string"},
      {R"("dtype":null,"shape":[2],"data_offsets":[0,8])", "dtype is not a string"},
      {R"("dtype":["F32"],"shape":[2],"data_offsets":[0,8])", "dtype is not a string"},
      {R"("dtype":{},"shape":[2],"data_offsets":[0,8])", "dtype is not a string"},
      {R"("dtype":"","shape":[2],"data_offsets":[0,8])", "no name"},
      {R"("dtype":"F 32","shape":[2],"data_offsets":[0,8])", "no name"},
      {R"("dtype":"F32","shape":2,"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":null,"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":{"0":2},"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":"2","data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":[true],"data_offsets":[0,8])", "shape is not an array"},
      {R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])", "shape is not an"},
      {R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", "make 12 bytes, data_offsets 8"},
      {R"("dtype":"F32","shape":[1],"data_offsets":[0,8])", "make 4 bytes, data_offsets 8"},
      {R"("dtype":"F32","shape":[],"data_offsets":[0,8])", "make 4 bytes, data_offsets 8"},
      {R"("dtype":"F32","shape":[0],"data_offsets":[0,8])", "make 0 bytes, data_offsets 8"},
      {R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])", "passes 2^63-1"},
      {R"("dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", "passes 2^63-1"},
      {R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8])", "pass 2^63-1 bits"},
      {R"("dtype":"F32","shape":[2],"data_offsets":8)", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":null)", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":{})", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":"0,8")", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[8])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,"8"])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,[8]])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8.0])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[-1,7])", "data_offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775808])", "offsets are not"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807])", "past the 8 bytes"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[1,9])", "past the 8 bytes"},
      {R"("dtype":"F32","shape":[0],"data_offsets":[9,9])", "past the 8 bytes"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", "begin at 8 and end at 0"},
      {R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", "those from 0 on are no tensor's"},
  };
  for (const auto& bad : cases) {
    const auto header = ParseSafetensorsHeader(Tensor(bad.fields), 8);
    EXPECT_THAT(header, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.says)))
        << bad.fields;
    EXPECT_THAT(header, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"w\"")))
        << bad.fields;
  }
}

TEST(SafetensorsHeaderTest, MoreDimensionsThanWeTakeAreRefused) {
  const auto with_rank = [](int rank) {
    std::string ones = "1";
    for (int i = 1; i < rank; ++i) ones += ",1";
    return ParseSafetensorsHeader(
        Tensor(absl::StrCat(R"("dtype":"U8","data_offsets":[0,1],"shape":[)", ones, "]")), 1);
  };
  EXPECT_OK(with_rank(64));
  EXPECT_THAT(with_rank(65), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("64")));
}

TEST(SafetensorsHeaderTest, WrongDocumentsAreRefused) {
  struct {
    const char* json;  // of a file of 4 bytes of data
    const char* says;
  } const cases[] = {
      {"", "begin with {"},
      {"[]", "begin with {"},
      {" {}", "begin with {"},
      {"\xef\xbb\xbf{}", "begin with {"},
      {"{", "JSON"},
      {"{}{}", "JSON"},
      {"{\"w\xff\":{}}", "JSON"},
      {R"({"w":7})", "tensor \"w\": it is not an object"},
      {R"({"w":null})", "tensor \"w\": it is not an object"},
      {R"({"w":"F32"})", "tensor \"w\": it is not an object"},
      {R"({"w":["F32",[1],[0,4]]})", "tensor \"w\": it is not an object"},
      {R"({"__metadata__":7})", "__metadata__ is not an object"},
      {R"({"__metadata__":[]})", "__metadata__ is not an object"},
      {R"({"__metadata__":"a"})", "__metadata__ is not an object"},
      {R"({"__metadata__":{"a":7}})", "nothing but strings"},
      {R"({"__metadata__":{"a":null}})", "nothing but strings"},
      {R"({"__metadata__":{"a":{}}})", "nothing but strings"},
      {R"({"__metadata__":{"a":["b"]}})", "nothing but strings"},
      {R"({"__metadata__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "but strings"},
      {R"({"__metadata__":{"a":"b","a":"b"}})", "\"a\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "__metadata__ is there twice"},
      {"{}", "end at byte 0 of 4"},
      {R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "end at byte 2 of 4"},
      {R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
           "v":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})",
       "tensor \"v\": its bytes begin at 3; those from 2 on"},
      {R"({"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
           "v":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor \"v\": its bytes begin at 2, inside those of tensor \"w\""},
      {R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
           "v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       "inside those of"},
      {R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
           "v":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
       "inside those of"},
      {R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
           "w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor \"w\": it is there twice"},
      {R"({"\u0077":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
           "w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor \"w\": it is there twice"},
  };
  for (const auto& bad : cases) {
    EXPECT_THAT(ParseSafetensorsHeader(bad.json, 4),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.says)))
        << bad.json;
  }
}

// The bytes that the reference implementation writes for these (release 0.8.0).
TEST(SafetensorsHeaderTest, IsWrittenAsTheReferenceImplementationDoes) {
  EXPECT_EQ(EncodeSafetensorsHeader({}),
            absl::StrCat(absl::string_view("\x08\0\0\0\0\0\0\0", 8), "{}      "));
  SafetensorsHeader header;
  header.metadata = SafetensorsMetadata{{"framework", "pt"}};
  EXPECT_EQ(EncodeSafetensorsHeader(header),
            absl::StrCat(absl::string_view("\x28\0\0\0\0\0\0\0", 8),
                         R"({"__metadata__":{"framework":"pt"}}     )"));
  header.metadata.reset();
  header.tensors.push_back({"attn.0", "F32", {1, 2, 3}, 0, 24});
  EXPECT_EQ(EncodeSafetensorsHeader(header),
            absl::StrCat(absl::string_view("\x40\0\0\0\0\0\0\0", 8),
                         R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})"));
}

TEST(SafetensorsHeaderTest, WhatIsWrittenIsRead) {
  std::mt19937 random(7);
  const std::string letters[] = {"a",
                                 ".",
                                 "/",
                                 "\"",
                                 "\\",
                                 "\n",
                                 "\x7f",
                                 "\xc3\xa9",
                                 std::string(1, '\0'),
                                 "\xf0\x9f\x98\x80",
                                 "\xc2\x80"};
  const auto text = [&] {
    std::string made;
    for (size_t i = random() % 5; i > 0; --i) made += letters[random() % std::size(letters)];
    return made;
  };
  for (int round = 0; round < 300; ++round) {
    SafetensorsHeader header;
    if (random() % 2 == 0) {
      header.metadata.emplace();
      for (size_t i = random() % 4; i > 0; --i) (*header.metadata)[text()] = text();
    }
    int64_t end = 0;
    for (size_t i = random() % 6; i > 0; --i) {
      const int64_t rows = random() % 3, columns = random() % 4;
      const int64_t begin = std::exchange(end, end + rows * columns * 2);
      header.tensors.push_back({absl::StrCat(i, text()), "BF16", {rows, columns}, begin, end});
    }
    const std::string bytes = EncodeSafetensorsHeader(header);
    ASSERT_EQ(bytes.size() % 8, 0);
    ASSERT_EQ(static_cast<uint8_t>(bytes[0]) + 256 * static_cast<uint8_t>(bytes[1]),
              bytes.size() - 8);
    ASSERT_OK_AND_ASSIGN(const SafetensorsHeader read,
                         ParseSafetensorsHeader(absl::string_view(bytes).substr(8), end));
    EXPECT_EQ(read.metadata, header.metadata);
    ASSERT_EQ(read.tensors.size(), header.tensors.size());
    // Those without bytes may stand in another order.
    std::map<std::string, const SafetensorsEntry*> by_name;
    for (const SafetensorsEntry& entry : read.tensors) by_name[entry.name] = &entry;
    for (const SafetensorsEntry& entry : header.tensors) {
      ASSERT_TRUE(by_name.contains(entry.name));
      EXPECT_EQ(by_name[entry.name]->shape, entry.shape);
      EXPECT_EQ(by_name[entry.name]->begin, entry.begin);
      EXPECT_EQ(by_name[entry.name]->end, entry.end);
    }
  }
}

TEST(SafetensorsMetadataTest, ComesBack) {
  SafetensorsMetadata metadata;
  EXPECT_THAT(ParseSafetensorsMetadata(EncodeSafetensorsMetadata(metadata)),
              IsOkAndHolds(metadata));
  metadata["format"] = "pt";
  metadata[""] = "\"\n";
  metadata["h\xc3\xa9"] = "";
  metadata["json"] = R"({"a":[1]})";
  EXPECT_THAT(ParseSafetensorsMetadata(EncodeSafetensorsMetadata(metadata)),
              IsOkAndHolds(metadata));
  EXPECT_EQ(EncodeSafetensorsMetadata({{"b", "2"}, {"a", "1"}}), R"({"a":"1","b":"2"})");
}

TEST(SafetensorsMetadataTest, OnlyAnObjectOfTextsIsMetadata) {
  for (const char* json : {"", "[]", "\"a\"", "7", "null", "true", "{\"a\":1}", "{\"a\":{}}",
                           "{\"a\":[]}", "{\"a\":null}", "{\"a\":\"b\",\"a\":\"b\"}", "{} {}"}) {
    EXPECT_THAT(ParseSafetensorsMetadata(json), StatusIs(absl::StatusCode::kInvalidArgument))
        << json;
  }
}

}  // namespace
}  // namespace cairn
