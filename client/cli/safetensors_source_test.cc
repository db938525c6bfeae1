#include "client/cli/safetensors_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/safetensors/writer.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class SafetensorsSourceTest : public ::testing::Test {
 protected:
  SafetensorsSourceTest()
      : folder_(absl::StrCat(::testing::TempDir(), "/safetensors_source_test-",
                             ::testing::UnitTest::GetInstance()->current_test_info()->name())) {}

  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  // A file of one tensor of the bytes "abcd".
  void Write(const std::string& name, const std::string& key,
             std::optional<SafetensorsMetadata> metadata) {
    ASSERT_OK_AND_ASSIGN(const auto writer,
                         SafetensorsWriter::Create(files_, Path(name), {{key, "int16", {2, 1}, 4}},
                                                   std::move(metadata), /*replace=*/true));
    ASSERT_OK(writer->WriteAt(0, 0, "abcd"));
    ASSERT_OK(writer->Finish());
  }
  void WriteIndex(const std::string& json) {
    if (files_->Exists(Path("m.safetensors.index.json"))) {
      ASSERT_OK(files_->Remove(Path("m.safetensors.index.json")));
    }
    ASSERT_OK_AND_ASSIGN(const auto file, files_->CreateForWrite(Path("m.safetensors.index.json")));
    ASSERT_OK(file->Write(0, json));
    ASSERT_OK(file->Finish());
  }
  // The attachments of `source`, by name.
  static std::map<std::string, std::string> AttachmentsOf(const CheckpointSource& source) {
    std::map<std::string, std::string> attachments;
    for (const SliceToSave& slice : source.slices()) {
      if (slice.kind == v1::TENSOR_KIND_ATTACHMENT)
        attachments[slice.key] = std::string(slice.bytes);
    }
    return attachments;
  }

  FileSystem* const files_ = FileSystem::System();
  const std::string folder_;
};

TEST_F(SafetensorsSourceTest, GivesTensorsAndTheMetadata) {
  Write("m.safetensors", "model.l1.w", SafetensorsMetadata{{"format", "pt"}, {"a", ""}});
  ASSERT_OK_AND_ASSIGN(const auto source, SafetensorsSource::Open(files_, Path("m.safetensors")));
  EXPECT_EQ(source->identity().path, Path("m.safetensors"));
  EXPECT_EQ(source->identity().key_separator, ".");
  EXPECT_FALSE(source->identity().number.has_value());
  EXPECT_THAT(source->identity().annotations,
              ElementsAre(Pair("safetensors.file", "m.safetensors")));
  ASSERT_EQ(source->slices().size(), 2);
  const SliceToSave& tensor = source->slices()[0];
  EXPECT_EQ(tensor.kind, v1::TENSOR_KIND_TENSOR);
  EXPECT_EQ(tensor.key, "model.l1.w");
  EXPECT_EQ(tensor.dtype, "int16");
  EXPECT_THAT(tensor.shape, ElementsAre(2, 1));
  EXPECT_EQ(tensor.box, WholeBox({2, 1}));
  EXPECT_EQ(tensor.bytes_count, 4);
  std::string bytes(2, '\0');
  ASSERT_OK(tensor.source->Read(1, absl::MakeSpan(bytes)));
  EXPECT_EQ(bytes, "bc");
  EXPECT_THAT(AttachmentsOf(*source),
              ElementsAre(Pair("safetensors.metadata.json", R"({"a":"","format":"pt"})")));
}

TEST_F(SafetensorsSourceTest, WithoutMetadataThereIsNoAttachment) {
  Write("m.safetensors", "w", std::nullopt);
  ASSERT_OK_AND_ASSIGN(const auto source, SafetensorsSource::Open(files_, Path("m.safetensors")));
  EXPECT_THAT(AttachmentsOf(*source), IsEmpty());
  Write("m.safetensors", "w", SafetensorsMetadata{});
  ASSERT_OK_AND_ASSIGN(const auto empty, SafetensorsSource::Open(files_, Path("m.safetensors")));
  EXPECT_THAT(AttachmentsOf(*empty), ElementsAre(Pair("safetensors.metadata.json", "{}")));
}

TEST_F(SafetensorsSourceTest, FilesOfOneMetadataKeepItOnce) {
  Write("1.safetensors", "a", SafetensorsMetadata{{"format", "pt"}});
  Write("2.safetensors", "b", SafetensorsMetadata{{"format", "pt"}});
  const std::string json = R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})";
  WriteIndex(json);
  ASSERT_OK_AND_ASSIGN(const auto source,
                       SafetensorsSource::Open(files_, Path("m.safetensors.index.json")));
  EXPECT_THAT(source->identity().annotations,
              ElementsAre(Pair("safetensors.file", "m.safetensors.index.json")));
  EXPECT_EQ(source->slices().size(), 4);
  EXPECT_THAT(AttachmentsOf(*source),
              ElementsAre(Pair("safetensors.index.json", json),
                          Pair("safetensors.metadata.json", R"({"format":"pt"})")));
}

TEST_F(SafetensorsSourceTest, MetadataThatDiffersIsKeptFileByFile) {
  Write("1.safetensors", "a", SafetensorsMetadata{{"format", "pt"}, {"part", "1"}, {"one", "1"}});
  Write("2.safetensors", "b", SafetensorsMetadata{{"format", "pt"}, {"part", "2"}});
  Write("3.safetensors", "c", std::nullopt);
  const std::string json =
      R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors","c":"3.safetensors"}})";
  WriteIndex(json);
  ASSERT_OK_AND_ASSIGN(const auto source,
                       SafetensorsSource::Open(files_, Path("m.safetensors.index.json")));
  EXPECT_THAT(AttachmentsOf(*source),
              ElementsAre(Pair("safetensors.index.json", json),
                          Pair("safetensors.metadata.json", R"({"format":"pt","one":"1"})"),
                          Pair("safetensors.metadata.json/1.safetensors",
                               R"({"format":"pt","one":"1","part":"1"})"),
                          Pair("safetensors.metadata.json/2.safetensors",
                               R"({"format":"pt","part":"2"})")));
}

TEST_F(SafetensorsSourceTest, WhatTheReaderRefusesIsRefused) {
  EXPECT_THAT(SafetensorsSource::Open(files_, Path("none.safetensors")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.safetensors")));
}

}  // namespace
}  // namespace cairn::cli
