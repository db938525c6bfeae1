#include "formats/safetensors/reader.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// The bytes of a file whose header claims `length` bytes.
std::string File(uint64_t length, absl::string_view rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i));
  return absl::StrCat(bytes, rest);
}

std::string File(absl::string_view json, absl::string_view data) {
  return File(json.size(), absl::StrCat(json, data));
}

// One uint8 tensor of these bytes.
std::string OneTensor(absl::string_view name, absl::string_view data) {
  SafetensorsHeader header;
  const auto size = static_cast<int64_t>(data.size());
  header.tensors.push_back({std::string(name), "U8", {size}, 0, size});
  return absl::StrCat(EncodeSafetensorsHeader(header), data);
}

class SafetensorsReaderTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SafetensorsReader>> Open(const std::string& content) {
    files_.files["m/x.safetensors"] = content;
    return SafetensorsReader::Open(&files_, "m/x.safetensors");
  }
  absl::StatusOr<std::unique_ptr<SafetensorsReader>> OpenIndex(const std::string& json) {
    files_.files["m/x.safetensors.index.json"] = json;
    return SafetensorsReader::Open(&files_, "m/x.safetensors.index.json");
  }
  static std::string BytesOf(const SafetensorsReader& reader, const SafetensorsTensor& tensor) {
    std::string bytes(tensor.size_bytes, '\0');
    EXPECT_OK(reader.ReadAt(tensor, 0, absl::MakeSpan(bytes)));
    return bytes;
  }

  MemoryFileSystem files_;
};

TEST_F(SafetensorsReaderTest, GivesTensorsByKeyAndTheirBytes) {
  ASSERT_OK_AND_ASSIGN(const auto reader, Open(File(R"({"__metadata__":{"format":"pt"},
                    "l.b":{"dtype":"F8_E4M3","shape":[2,1],"data_offsets":[4,6]},
                    "l\u0001":{"dtype":"I32","shape":[],"data_offsets":[0,4]},
                    "empty":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}})",
                                                    "abcdef")));
  ASSERT_EQ(reader->tensors().size(), 3);
  const SafetensorsTensor& empty = reader->tensors()[0];
  EXPECT_EQ(empty.key, "empty");
  EXPECT_EQ(BytesOf(*reader, empty), "");
  const SafetensorsTensor& b = reader->tensors()[1];
  EXPECT_EQ(b.key, "l.b");
  EXPECT_EQ(b.dtype, "float8_e4m3fn");
  EXPECT_THAT(b.shape, ElementsAre(2, 1));
  EXPECT_EQ(BytesOf(*reader, b), "ef");
  const SafetensorsTensor& scalar = reader->tensors()[2];
  EXPECT_EQ(scalar.key, "l\\x01");
  EXPECT_EQ(scalar.dtype, "int32");
  EXPECT_EQ(BytesOf(*reader, scalar), "abcd");
  ASSERT_EQ(reader->files().size(), 1);
  EXPECT_THAT(*reader->files()[0].metadata, ElementsAre(Pair("format", "pt")));
  EXPECT_FALSE(reader->index().has_value());
}

TEST_F(SafetensorsReaderTest, NothingBeyondATensorIsRead) {
  ASSERT_OK_AND_ASSIGN(const auto reader, Open(OneTensor("w", "abcd")));
  const SafetensorsTensor& tensor = reader->tensors()[0];
  std::string bytes(2, '\0');
  EXPECT_OK(reader->ReadAt(tensor, 2, absl::MakeSpan(bytes)));
  EXPECT_EQ(bytes, "cd");
  for (const int64_t offset : {int64_t{3}, int64_t{5}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_THAT(reader->ReadAt(tensor, offset, absl::MakeSpan(bytes)),
                StatusIs(absl::StatusCode::kOutOfRange))
        << offset;
  }
}

TEST_F(SafetensorsReaderTest, AFileThatIsCutMeanwhileIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const auto reader, Open(OneTensor("w", "abcd")));
  std::string& content = files_.files["m/x.safetensors"];
  content.resize(content.size() - 1);
  std::string bytes(4, '\0');
  EXPECT_THAT(reader->ReadAt(reader->tensors()[0], 0, absl::MakeSpan(bytes)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("m/x.safetensors")));
}

TEST_F(SafetensorsReaderTest, EveryDamageIsRefusedNamingTheFile) {
  const std::string whole = OneTensor("w", "abcd");
  struct {
    std::string content;
    const char* says;
  } const cases[] = {
      {"", "0 bytes"},
      {whole.substr(0, 7), "7 bytes"},
      {whole.substr(0, 8), "the file has 8"},
      {whole.substr(0, whole.size() - 5), "the file has"},
      {whole.substr(0, whole.size() - 1), "past the 3 bytes"},
      {whole + "e", "end at byte 4 of 5"},
      {File(uint64_t{1} << 63, "{}"), "claims 9223372036854775808 bytes"},
      {File(~uint64_t{0}, "{}"), "claims 18446744073709551615 bytes"},
      {File(100'000'001, "{}"), "at most 100000000"},
      {File(100'000'000, "{}"), "the file has 10"},
      {File(3, "{}"), "the file has 10"},
      {File(0, ""), "begin with {"},
      {File(1, "{}"), "JSON"},
      {File("{}\n\n", "abcd"), "end at byte 0 of 4"},
      {File(absl::string_view("{}\0\0", 4), ""), "JSON"},
      {File("{\"\xff\":{}}", ""), "JSON"},
      {File(R"({"":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "abcd"), "empty"},
      {OneTensor(std::string(4097, 'n'), "abcd"), "4097 bytes"},
      {OneTensor(std::string(1025, '\1'), "abcd"), "4100 bytes"},
      {File(R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                "w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
            "abcd"),
       "twice"},
  };
  for (const auto& bad : cases) {
    const auto reader = Open(bad.content);
    EXPECT_THAT(reader, StatusIs(absl::StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr("m/x.safetensors"), HasSubstr(bad.says))));
    EXPECT_THAT(reader, HasReason(ErrorReason::ERROR_REASON_BAD_FILE)) << bad.says;
  }
}

TEST_F(SafetensorsReaderTest, AMissingFileIsNamed) {
  EXPECT_THAT(SafetensorsReader::Open(&files_, "m/none.safetensors"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("m/none.safetensors")));
}

TEST_F(SafetensorsReaderTest, AnIndexGathersTheTensorsOfItsFiles) {
  files_.files["m/x-1.safetensors"] = OneTensor("b", "bb");
  files_.files["m/x-2.safetensors"] = File(
      R"({"__metadata__":{"n":"2"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "a");
  files_.files["m/unnamed.safetensors"] = "not read";
  const std::string json =
      R"({"metadata":{"total_size":3},"weight_map":{"a":"x-2.safetensors","b":"x-1.safetensors"}})";
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenIndex(json));
  EXPECT_EQ(reader->index(), json);
  ASSERT_EQ(reader->tensors().size(), 2);
  EXPECT_EQ(reader->tensors()[0].key, "a");
  EXPECT_EQ(BytesOf(*reader, reader->tensors()[0]), "a");
  EXPECT_EQ(BytesOf(*reader, reader->tensors()[1]), "bb");
  ASSERT_EQ(reader->files().size(), 2);
  EXPECT_EQ(reader->files()[0].path, "m/x-1.safetensors");
  EXPECT_FALSE(reader->files()[0].metadata.has_value());
  EXPECT_THAT(*reader->files()[1].metadata, ElementsAre(Pair("n", "2")));
}

TEST_F(SafetensorsReaderTest, MoreFilesThanStayOpenCanBeRead) {
  constexpr int kFiles = 2 * OpenFiles::kMaxOpen;
  std::string map;
  for (int i = 0; i < kFiles; ++i) {
    files_.files[absl::StrCat("m/x-", i, ".safetensors")] =
        OneTensor(absl::StrCat("t", i), std::string(1, static_cast<char>(i)));
    absl::StrAppend(&map, i == 0 ? "" : ",", "\"t", i, "\":\"x-", i, ".safetensors\"");
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenIndex(absl::StrCat("{\"weight_map\":{", map, "}}")));
  ASSERT_EQ(reader->tensors().size(), kFiles);
  for (const SafetensorsTensor& tensor : reader->tensors()) {
    EXPECT_EQ(BytesOf(*reader, tensor),
              std::string(1, static_cast<char>(std::stoi(tensor.key.substr(1)))));
  }
}

TEST_F(SafetensorsReaderTest, FilesOfAnIndexAreLookedForBesideItAlone) {
  files_.files["secret.safetensors"] = OneTensor("a", "a");
  files_.files["m/sub/x.safetensors"] = OneTensor("a", "a");
  for (const char* path : {"../secret.safetensors", "/secret.safetensors", "sub/x.safetensors"}) {
    EXPECT_THAT(OpenIndex(absl::StrCat(R"({"weight_map":{"a":")", path, "\"}}")),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("m/")))
        << path;
  }
  files_.files["m/x.safetensors"] = OneTensor("a", "b");
  ASSERT_OK_AND_ASSIGN(const auto reader, OpenIndex(R"({"weight_map":{"a":"sub/x.safetensors"}})"));
  EXPECT_EQ(BytesOf(*reader, reader->tensors()[0]), "b");
}

TEST_F(SafetensorsReaderTest, AnIndexAndItsFilesMustAgree) {
  files_.files["m/1.safetensors"] = OneTensor("a", "a");
  files_.files["m/2.safetensors"] = OneTensor("b", "b");
  files_.files["m/3.safetensors"] = OneTensor("a", "a");
  files_.files["m/broken.safetensors"] = "broken";
  struct {
    const char* map;
    absl::StatusCode code;
    std::vector<std::string> says;
  } const cases[] = {
      {R"("a":"1.safetensors","c":"2.safetensors")",
       absl::StatusCode::kInvalidArgument,
       {"\"c\"", "should be in 2.safetensors"}},
      {R"("a":"1.safetensors","b":"1.safetensors")",
       absl::StatusCode::kInvalidArgument,
       {"\"b\"", "should be in 1.safetensors"}},
      {R"("a":"2.safetensors","b":"1.safetensors")",
       absl::StatusCode::kInvalidArgument,
       {"\"a\"", "should be in 2.safetensors"}},
      {R"("a":"1.safetensors","b":"2.safetensors","c":"3.safetensors")",
       absl::StatusCode::kInvalidArgument,
       {"\"a\"", "both in 1.safetensors and in 3.safetensors"}},
      {R"("a":"1.safetensors","b":"2.safetensors","c":"none.safetensors")",
       absl::StatusCode::kNotFound,
       {"none.safetensors", "index.json"}},
      {R"("a":"1.safetensors","b":"broken.safetensors")",
       absl::StatusCode::kInvalidArgument,
       {"broken.safetensors", "index.json"}},
  };
  for (const auto& bad : cases) {
    const auto reader = OpenIndex(absl::StrCat(R"({"weight_map":{)", bad.map, "}}"));
    for (const std::string& word : bad.says) {
      EXPECT_THAT(reader, StatusIs(bad.code, HasSubstr(word))) << bad.map;
    }
    EXPECT_THAT(reader, HasReason(ErrorReason::ERROR_REASON_BAD_FILE)) << bad.map;
  }
  files_.files["m/2.safetensors"] = File(R"({"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},
               "d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                                         "");
  EXPECT_THAT(OpenIndex(R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("weight_map lacks tensor \"d\", which is in 2.safetensors")));
  EXPECT_THAT(OpenIndex("{}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("index.json"), HasSubstr("no weight_map"))));
}

}  // namespace
}  // namespace cairn
