#include "formats/safetensors/writer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/safetensors/reader.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kPath[] = "out/x.safetensors";
using Tensor = SafetensorsWriter::Tensor;

class SafetensorsWriterTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SafetensorsWriter>> Create(std::vector<Tensor> tensors,
                                                            bool replace = false) {
    return SafetensorsWriter::Create(&files_, kPath, std::move(tensors), std::nullopt, replace);
  }
  absl::Status WriteOne(const std::string& bytes, bool replace = false) {
    CAIRN_ASSIGN_OR_RETURN(const auto writer, Create({{"w",
                                                       "uint8",
                                                       {static_cast<int64_t>(bytes.size())},
                                                       static_cast<int64_t>(bytes.size())}},
                                                     replace));
    CAIRN_RETURN_IF_ERROR(writer->WriteAt(0, 0, bytes));
    return writer->Finish();
  }

  MemoryFileSystem files_;
};

TEST_F(SafetensorsWriterTest, WritesTheBytesOfTheReferenceImplementation) {
  ASSERT_OK_AND_ASSIGN(const auto writer, SafetensorsWriter::Create(
                                              &files_, kPath, {{"attn0", "float32", {1, 1, 2}, 8}},
                                              SafetensorsMetadata{{"fr", "pt"}}, false));
  ASSERT_OK(writer->WriteAt(0, 4, "efgh"));
  ASSERT_OK(writer->WriteAt(0, 0, "abcd"));
  ASSERT_OK(writer->Finish());
  EXPECT_THAT(
      files_.files,
      ElementsAre(Pair(
          kPath, absl::StrCat(
                     absl::string_view("\x60\0\0\0\0\0\0\0", 8), R"({"__metadata__":{"fr":"pt"},)",
                     R"("attn0":{"dtype":"F32","shape":[1,1,2],"data_offsets":[0,8]}}       )",
                     "abcdefgh"))));
}

TEST_F(SafetensorsWriterTest, WidestElementsComeFirstThenNames) {
  ASSERT_OK_AND_ASSIGN(const auto writer, Create({{"b", "bool", {1}, 1},
                                                  {"opaque", "safetensors:Q3", {8}, 3},
                                                  {"z", "float32", {1}, 4},
                                                  {"i", "int64", {1}, 8},
                                                  {"a", "float32", {1}, 4},
                                                  {"f4", "safetensors:F4", {2}, 1},
                                                  {"h", "bfloat16", {1}, 2}}));
  for (size_t i = 0; i < 7; ++i) {
    ASSERT_OK(writer->WriteAt(i, 0, std::string(std::array{1, 3, 4, 8, 4, 1, 2}[i], 'A' + i)));
  }
  ASSERT_OK(writer->Finish());
  const std::string& content = files_.files[kPath];
  EXPECT_EQ(content.substr(content.size() - 23), "DDDDDDDDEEEECCCCGGFABBB");
}

TEST_F(SafetensorsWriterTest, BytesDoNotDependOnTheOrderOfPlanOrWrites) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < 20; ++i) {
    tensors.push_back(
        {absl::StrCat("t", i), i % 2 == 0 ? "uint8" : "float16", {i}, i * (1 + i % 2)});
  }
  std::mt19937 random(3);
  std::string first;
  for (int round = 0; round < 5; ++round) {
    std::shuffle(tensors.begin(), tensors.end(), random);
    ASSERT_OK_AND_ASSIGN(const auto writer, Create(tensors, true));
    for (size_t i = tensors.size(); i-- > 0;) {
      ASSERT_OK(writer->WriteAt(i, 0, std::string(tensors[i].size_bytes, tensors[i].key.back())));
    }
    ASSERT_OK(writer->Finish());
    if (round == 0) first = files_.files[kPath];
    EXPECT_EQ(files_.files[kPath], first);
  }
}

TEST_F(SafetensorsWriterTest, WhatIsWrittenIsRead) {
  const SafetensorsMetadata metadata = {{"a", "\"1\"\n"}, {"", "h\xc3\xa9"}};
  const std::vector<Tensor> tensors = {{"l.w", "float64", {2, 1}, 16},
                                       {"name \\x0a/\\x5c", "complex64", {}, 8},
                                       {"none", "int16", {0, 5}, 0},
                                       {"q", "safetensors:F6_E3M2", {4}, 3}};
  ASSERT_OK_AND_ASSIGN(const auto writer,
                       SafetensorsWriter::Create(&files_, kPath, tensors, metadata, false));
  for (size_t i = 0; i < tensors.size(); ++i) {
    ASSERT_OK(writer->WriteAt(i, 0, std::string(tensors[i].size_bytes, 'a' + i)));
  }
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const auto reader, SafetensorsReader::Open(&files_, kPath));
  EXPECT_EQ(reader->files()[0].metadata, metadata);
  ASSERT_EQ(reader->tensors().size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const SafetensorsTensor& read = reader->tensors()[i];
    EXPECT_EQ(read.key, tensors[i].key);
    EXPECT_EQ(read.dtype, tensors[i].dtype);
    EXPECT_EQ(read.shape, tensors[i].shape);
    std::string bytes(read.size_bytes, '\0');
    ASSERT_OK(reader->ReadAt(read, 0, absl::MakeSpan(bytes)));
    EXPECT_EQ(bytes, std::string(tensors[i].size_bytes, 'a' + i));
  }
}

TEST_F(SafetensorsWriterTest, WhatNoFileCanHoldIsNotPlanned) {
  struct {
    std::vector<Tensor> tensors;
    const char* says;
  } const cases[] = {
      {{{"w", "string", {1}, 9}}, "string"},
      {{{"w", "complex128", {1}, 16}}, "complex128"},
      {{{"w", "tf:21", {}, 9}}, "tf:21"},
      {{{"\\xff", "uint8", {1}, 1}}, "not UTF-8"},
      {{{"__metadata__", "uint8", {1}, 1}}, "name of the metadata"},
      {{{"", "uint8", {1}, 1}}, "empty"},
      {{{"a\nb", "uint8", {1}, 1}}, "control"},
      {{{"w", "uint8", {2}, 1}}, "make 2 bytes"},
      {{{"w", "uint8", {-1}, -1}}, "negative"},
      {{{"w", "uint8", {-1}, 1}}, "its shape"},
      {{{"w", "safetensors:F4", {3}, 2}}, "whole number of bytes"},
      {{{"w", "uint8", {1}, 1}, {"w", "uint16", {1}, 2}}, "twice"},
      {{{"w", "uint8", {INT64_MAX}, INT64_MAX}, {"x", "uint8", {1}, 1}}, "2^63"},
      {{{"w", "safetensors:Q", {1}, INT64_MAX}}, "2^63"},
  };
  for (const auto& bad : cases) {
    const auto writer = Create(bad.tensors);
    EXPECT_THAT(writer, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.says)));
    EXPECT_THAT(writer, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD)) << bad.says;
  }
  EXPECT_THAT(
      SafetensorsWriter::Create(&files_, kPath, {}, SafetensorsMetadata{{"a", "\xff"}}, false),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_THAT(files_.files, IsEmpty());
}

TEST_F(SafetensorsWriterTest, NothingIsWrittenBeyondATensor) {
  ASSERT_OK_AND_ASSIGN(const auto writer, Create({{"a", "uint8", {2}, 2}, {"b", "uint8", {2}, 2}}));
  for (const int64_t offset : {int64_t{1}, int64_t{3}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_THAT(writer->WriteAt(0, offset, "xy"), StatusIs(absl::StatusCode::kOutOfRange))
        << offset;
  }
}

TEST_F(SafetensorsWriterTest, ATensorThatLacksBytesIsNamedAndNothingStays) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer,
                         Create({{"a", "uint8", {2}, 2}, {"b", "uint8", {2}, 2}}));
    ASSERT_OK(writer->WriteAt(0, 0, "xy"));
    ASSERT_OK(writer->WriteAt(1, 0, "x"));
    EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kDataLoss,
                                           HasSubstr("tensor b came with 1 of its 2 bytes")));
  }
  EXPECT_THAT(files_.files, IsEmpty());
}

TEST_F(SafetensorsWriterTest, AFileIsReplacedOnlyWhenToldTo) {
  ASSERT_OK(WriteOne("old"));
  const std::string old = files_.files[kPath];
  EXPECT_THAT(WriteOne("new"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(files_.files[kPath], old);
  ASSERT_OK(WriteOne("new", true));
  EXPECT_EQ(files_.files[kPath].substr(files_.files[kPath].size() - 3), "new");
}

TEST_F(SafetensorsWriterTest, AFailureOfAnyChangeLeavesNothing) {
  ASSERT_OK(WriteOne("abc"));
  const int changes = files_.changes;
  for (int failing = 0; failing < changes; ++failing) {
    files_.files.clear();
    files_.changes = 0;
    files_.fail_from_change = failing;
    EXPECT_THAT(WriteOne("abc"), StatusIs(absl::StatusCode::kUnavailable)) << failing;
    EXPECT_THAT(files_.files, IsEmpty()) << failing;
  }
  EXPECT_GT(changes, 4);
}

}  // namespace
}  // namespace cairn
