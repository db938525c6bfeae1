#include "client/cli/attachment_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::HasSubstr;

class AttachmentWriterTest : public ::testing::Test {
 protected:
  AttachmentWriterTest() {
    writer_.Add("graph", "out/graph", 6);
    writer_.Add("empty", "out/empty", 0);
  }
  absl::Status Write(const std::string& name, int64_t offset, absl::string_view bytes) {
    v1::SlicePart part;
    part.set_key(name);
    part.set_kind(v1::TENSOR_KIND_ATTACHMENT);
    return writer_.Write({part, Box(), offset, static_cast<int64_t>(bytes.size()), 0,
                          absl::MakeConstSpan(&bytes, 1)});
  }

  MemoryFileSystem files_;
  AttachmentWriter writer_{&files_};
};

TEST_F(AttachmentWriterTest, BytesInAnyOrderMakeTheFiles) {
  ASSERT_OK(Write("graph", 4, "ef"));
  ASSERT_OK(Write("empty", 0, ""));
  ASSERT_OK(Write("graph", 0, "abcd"));
  ASSERT_OK(writer_.Finish());
  EXPECT_EQ(files_.files.at("out/graph"), "abcdef");
  EXPECT_EQ(files_.files.at("out/empty"), "");
}

TEST_F(AttachmentWriterTest, AnAttachmentWithoutBytesIsAFileThoughNothingComes) {
  ASSERT_OK(Write("graph", 0, "abcdef"));
  ASSERT_OK(writer_.Finish());
  EXPECT_EQ(files_.files.count("out/empty"), 1);
}

TEST_F(AttachmentWriterTest, MissingBytesNameTheAttachment) {
  ASSERT_OK(Write("graph", 0, "abcd"));
  EXPECT_THAT(writer_.Finish(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("graph came with 4 of 6")));
}

TEST_F(AttachmentWriterTest, BytesThatComeTwiceAreNoSubstituteForOthers) {
  ASSERT_OK(Write("graph", 0, "abc"));
  EXPECT_THAT(Write("graph", 0, "abc"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("twice")));
}

TEST_F(AttachmentWriterTest, BytesAfterTheLastAreRefused) {
  ASSERT_OK(Write("graph", 0, "abcdef"));
  EXPECT_THAT(Write("graph", 0, "a"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("twice")));
  EXPECT_EQ(files_.files.at("out/graph"), "abcdef");
}

TEST_F(AttachmentWriterTest, BytesBeyondTheEndAreRefused) {
  EXPECT_THAT(Write("graph", 4, "efg"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("beyond")));
  EXPECT_THAT(Write("graph", INT64_MAX, "a"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Write("empty", 0, "a"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(AttachmentWriterTest, WhatWasNotAddedIsRefused) {
  EXPECT_THAT(Write("other", 0, "a"), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(AttachmentWriterTest, AFileThatIsThereIsKept) {
  files_.files["out/graph"] = "old";
  EXPECT_THAT(Write("graph", 0, "abcdef"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(files_.files.at("out/graph"), "old");
}

}  // namespace
}  // namespace cairn::cli
