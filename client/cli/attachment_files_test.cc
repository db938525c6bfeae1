#include "client/cli/attachment_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "base/key_text.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kTakeAll = [](absl::string_view) { return false; };

// In a folder of the machine's, since links and pipes are what is tested.
class AttachmentFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/attachment_files_test-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_OK(files_->CreateFolders(folder_));
  }
  std::string Path(absl::string_view name) const { return folder_ + "/" + std::string(name); }
  void WriteFile(const std::string& name, absl::string_view content) {
    ASSERT_OK_AND_ASSIGN(const auto file, files_->CreateForWrite(Path(name)));
    ASSERT_OK(file->Write(0, content));
    ASSERT_OK(file->Finish());
  }
  absl::StatusOr<std::vector<std::string>> Names() {
    CAIRN_ASSIGN_OR_RETURN(const auto found, AttachmentsInFolder(files_, folder_, kTakeAll));
    std::vector<std::string> names;
    for (const AttachmentFile& file : found) names.push_back(file.name);
    return names;
  }
  absl::StatusOr<std::unique_ptr<CheckpointSource>> Source() {
    CAIRN_ASSIGN_OR_RETURN(const auto found, AttachmentsInFolder(files_, folder_, kTakeAll));
    return SourceWithAttachments::Make(files_, {}, nullptr, found);
  }

  FileSystem* const files_ = FileSystem::System();
  std::string folder_;
};

std::string BytesOf(const SliceToSave& slice) {
  if (slice.source == nullptr) return std::string(slice.bytes);
  std::string bytes(slice.bytes_count, '\0');
  EXPECT_OK(slice.source->Read(0, absl::MakeSpan(bytes)));
  return bytes;
}

TEST_F(AttachmentFilesTest, FilesAndEmptyFoldersAreNamedByTheirPaths) {
  ASSERT_OK(files_->CreateFolders(Path("assets/deep")));
  ASSERT_OK(files_->CreateFolders(Path("empty/also")));
  WriteFile("graph.pb", "graph");
  WriteFile("assets/deep/vocab.txt", "a\nb\n");
  WriteFile("assets/nothing", "");
  ASSERT_OK_AND_ASSIGN(const auto source, Source());
  std::vector<std::pair<std::string, std::string>> found;
  for (const SliceToSave& slice : source->slices()) {
    EXPECT_EQ(slice.kind, v1::TENSOR_KIND_ATTACHMENT);
    EXPECT_EQ(slice.dtype, "bytes");
    found.emplace_back(slice.key, BytesOf(slice));
  }
  using Entry = std::pair<std::string, std::string>;
  EXPECT_THAT(found,
              ElementsAre(Entry("assets/deep/vocab.txt", "a\nb\n"), Entry("assets/nothing", ""),
                          Entry("empty/also/", ""), Entry("graph.pb", "graph")));
}

TEST_F(AttachmentFilesTest, WhatIsSkippedIsNoEmptyFolder) {
  ASSERT_OK(files_->CreateFolders(Path("variables")));
  WriteFile("variables/index", "");
  ASSERT_OK_AND_ASSIGN(const auto found,
                       AttachmentsInFolder(files_, folder_, [](absl::string_view p) {
                         return p == "variables/index";
                       }));
  EXPECT_TRUE(found.empty());
}

TEST_F(AttachmentFilesTest, NamesThatAreNotUtf8AreKeptAsText) {
  WriteFile("a\xff\\b", "content");
  EXPECT_THAT(Names(), IsOkAndHolds(ElementsAre("a\\xff\\x5cb")));
}

TEST_F(AttachmentFilesTest, ANameThatNoAttachmentCanHaveIsRefused) {
  std::string name;
  for (int i = 0; i < 5; ++i) name += (i == 0 ? "" : "/") + std::string(220, '\xff');
  ASSERT_GT(KeyTextFromBytes(name).size(), kMaxKeyBytes);
  ASSERT_OK(files_->CreateFolders(Path(name.substr(0, name.rfind('/')))));
  WriteFile(name, "");
  EXPECT_THAT(Names(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4096")));
}

TEST_F(AttachmentFilesTest, ALinkToAFileIsThatFile) {
  const std::string outside = folder_ + ".blob";
  (void)files_->Remove(outside);
  ASSERT_OK_AND_ASSIGN(const auto file, files_->CreateForWrite(outside));
  ASSERT_OK(file->Write(0, "content"));
  ASSERT_OK(file->Finish());
  ASSERT_EQ(symlink(outside.c_str(), Path("link").c_str()), 0);
  ASSERT_OK_AND_ASSIGN(const auto source, Source());
  ASSERT_EQ(source->slices().size(), 1);
  EXPECT_EQ(source->slices()[0].key, "link");
  EXPECT_EQ(BytesOf(source->slices()[0]), "content");
}

TEST_F(AttachmentFilesTest, ALinkToAFolderIsRefusedByName) {
  ASSERT_OK(files_->CreateFolders(Path("real")));
  ASSERT_EQ(symlink(folder_.c_str(), Path("real/loop").c_str()), 0);
  EXPECT_THAT(Names(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("real/loop")));
}

TEST_F(AttachmentFilesTest, ALinkThatLeadsNowhereIsRefusedByName) {
  ASSERT_EQ(symlink("none", Path("dangling").c_str()), 0);
  EXPECT_THAT(Names(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("dangling")));
}

TEST_F(AttachmentFilesTest, APipeIsRefusedByName) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(Source(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/pipe")));
}

TEST_F(AttachmentFilesTest, AFileThatChangesItsSizeEndsTheSave) {
  WriteFile("growing", "1234");
  ASSERT_OK_AND_ASSIGN(const auto source, Source());
  std::string bytes(4, '\0');
  for (const off_t size : {2, 9}) {
    ASSERT_EQ(truncate(Path("growing").c_str(), size), 0);
    EXPECT_THAT(source->slices()[0].source->Read(0, absl::MakeSpan(bytes)),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("growing")));
  }
}

// A file of another user's; root, who runs tests in containers, may read any real one.
class LockedFileSystem : public MemoryFileSystem {
 public:
  absl::StatusOr<std::unique_ptr<RandomReadFile>> OpenForRead(const std::string& path) override {
    if (path == "m/locked") return absl::PermissionDeniedError("cannot open m/locked");
    return MemoryFileSystem::OpenForRead(path);
  }
};

TEST(SourceWithAttachmentsTest, AFileThatCannotBeReadIsFoundOutBeforeAnythingIsSent) {
  LockedFileSystem files;
  files.files = {{"m/locked", "secret"}, {"m/open", "content"}};
  ASSERT_OK_AND_ASSIGN(const auto found, AttachmentsInFolder(&files, "m", kTakeAll));
  EXPECT_THAT(SourceWithAttachments::Make(&files, {}, nullptr, found),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("m/locked")));
}

}  // namespace
}  // namespace cairn::cli
