#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_OK(files_->CreateFolders(folder_));
  }
  std::string Path(absl::string_view name) const { return folder_ + "/" + std::string(name); }

  void WriteFile(absl::string_view name, absl::string_view content) {
    std::ofstream(Path(name), std::ios::binary) << content;
  }

  FileSystem* const files_ = FileSystem::System();
  std::string folder_;
};

TEST_F(FileSystemTest, WhatIsWrittenAtOffsetsIsRead) {
  ASSERT_OK_AND_ASSIGN(auto out, files_->CreateForWrite(Path("a")));
  ASSERT_OK(out->Write(5, "world"));
  ASSERT_OK(out->Write(0, "hello"));
  ASSERT_OK(out->Finish());
  out.reset();
  ASSERT_OK_AND_ASSIGN(auto in, files_->OpenForRead(Path("a")));
  EXPECT_EQ(in->size_bytes(), 10);
  std::string bytes(4, '\0');
  ASSERT_OK(in->Read(3, absl::MakeSpan(bytes)));
  EXPECT_EQ(bytes, "lowo");
  ASSERT_OK(in->Read(10, {}));
  EXPECT_THAT(files_->ReadWhole(Path("a"), 10), IsOkAndHolds("helloworld"));
}

TEST_F(FileSystemTest, ThreadsWriteTheirRangesOfOneFile) {
  ASSERT_OK_AND_ASSIGN(auto out, files_->CreateForWrite(Path("a")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back(
        [&out, t] { EXPECT_OK(out->Write(t * 1000, std::string(1000, 'a' + t))); });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(out->Finish());
  std::string expected;
  for (char c : {'a', 'b', 'c', 'd'}) expected.append(1000, c);
  EXPECT_THAT(files_->ReadWhole(Path("a"), 4000), IsOkAndHolds(expected));
}

TEST_F(FileSystemTest, AnUnfinishedFileIsRemoved) {
  {
    ASSERT_OK_AND_ASSIGN(auto out, files_->CreateForWrite(Path("a")));
    ASSERT_OK(out->Write(0, "half"));
    EXPECT_TRUE(files_->Exists(Path("a")));
  }
  EXPECT_FALSE(files_->Exists(Path("a")));
}

TEST_F(FileSystemTest, CreateForWriteKeepsWhatIsThere) {
  WriteFile("a", "old");
  EXPECT_THAT(files_->CreateForWrite(Path("a")),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(Path("a"))));
  EXPECT_THAT(files_->ReadWhole(Path("a"), 100), IsOkAndHolds("old"));
}

TEST_F(FileSystemTest, AFinishedFileCanBeWrittenOn) {
  WriteFile("a", "0123456789");
  {
    ASSERT_OK_AND_ASSIGN(auto out, files_->ReopenForWrite(Path("a")));
    ASSERT_OK(out->Write(3, "abc"));
    ASSERT_OK(out->Finish());
  }
  EXPECT_THAT(files_->ReadWhole(Path("a"), 100), IsOkAndHolds("012abc6789"));
  {
    ASSERT_OK_AND_ASSIGN(auto out, files_->ReopenForWrite(Path("a")));
  }
  EXPECT_FALSE(files_->Exists(Path("a")));
  EXPECT_THAT(files_->ReopenForWrite(Path("a")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileSystemTest, ReadingPastTheEndIsOutOfRange) {
  WriteFile("a", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto in, files_->OpenForRead(Path("a")));
  std::string bytes(4, '\0');
  for (int64_t offset : {int64_t{7}, int64_t{10}, int64_t{11}, int64_t{-1}, INT64_MAX}) {
    EXPECT_THAT(in->Read(offset, absl::MakeSpan(bytes)), StatusIs(absl::StatusCode::kOutOfRange))
        << offset;
  }
}

TEST_F(FileSystemTest, AFileThatShrinksWhileOpenIsOutOfRange) {
  WriteFile("a", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto in, files_->OpenForRead(Path("a")));
  ASSERT_EQ(truncate(Path("a").c_str(), 5), 0);
  std::string bytes(4, '\0');
  EXPECT_OK(in->Read(1, absl::MakeSpan(bytes)));
  EXPECT_THAT(in->Read(3, absl::MakeSpan(bytes)), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(FileSystemTest, ErrorsNameThePathAndTheReason) {
  const std::string path = Path("missing");
  for (const absl::Status& status :
       {files_->OpenForRead(path).status(), files_->ReadWhole(path, 10).status(),
        files_->Remove(path), files_->ListFolder(path).status(),
        files_->ModifiedTime(path).status(), files_->Rename(path, Path("b")),
        files_->SyncFolder(path), files_->FreeBytes(path).status(),
        files_->CreateForWrite(path + "/a").status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
    EXPECT_THAT(status,
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("No such file or directory")));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
    EXPECT_THAT(DetailOf(status).metadata().at("path"), HasSubstr(path));
  }
}

TEST_F(FileSystemTest, ErrorsOfPathsThatAreNotUtf8ArePrintable) {
  const absl::Status status = files_->OpenForRead(Path("\xff")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("\\xff")));
  EXPECT_EQ(DetailOf(status).metadata().at("path"), Path("\\xff"));
}

// No more than `bytes` a file, as long as it lives: the one limit that needs neither root nor a
// disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*const handler_)(int);
};

TEST_F(FileSystemTest, AWriteThatFailsSaysSoAndLeavesNoFile) {
  {
    ASSERT_OK_AND_ASSIGN(auto out, files_->CreateForWrite(Path("a")));
    FileSizeLimit limit(1000);
    EXPECT_OK(out->Write(0, std::string(1000, 'x')));
    EXPECT_THAT(out->Write(500, std::string(1000, 'x')),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("File too large")));
  }
  EXPECT_FALSE(files_->Exists(Path("a")));
}

TEST_F(FileSystemTest, OnlyFilesAreOpenedAtOffsets) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(files_->OpenForRead(Path("pipe")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(files_->OpenForRead(folder_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(folder_)));
}

TEST_F(FileSystemTest, ReadWholeStopsAtItsLimit) {
  const std::string content(200000, 'x');
  WriteFile("a", content);
  EXPECT_THAT(files_->ReadWhole(Path("a"), 200000), IsOkAndHolds(content));
  EXPECT_THAT(files_->ReadWhole(Path("a"), 199999),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("199999")));
  EXPECT_THAT(files_->ReadWhole("/dev/zero", 1000), StatusIs(absl::StatusCode::kResourceExhausted));
  WriteFile("empty", "");
  EXPECT_THAT(files_->ReadWhole(Path("empty"), 0), IsOkAndHolds(""));
}

TEST_F(FileSystemTest, FoldersAreMadeListedAndTold) {
  ASSERT_OK(files_->CreateFolders(Path("x/y/z")));
  ASSERT_OK(files_->CreateFolders(Path("x/y/z")));
  WriteFile("x/b", "");
  WriteFile("x/a", "");
  EXPECT_THAT(files_->ListFolder(Path("x")), IsOkAndHolds(ElementsAre("a", "b", "y")));
  EXPECT_TRUE(files_->IsFolder(Path("x")));
  EXPECT_FALSE(files_->IsFolder(Path("x/a")));
  EXPECT_FALSE(files_->IsFolder(Path("none")));
  EXPECT_TRUE(files_->Exists(Path("x/a")));
  EXPECT_FALSE(files_->CreateFolders(Path("x/a/b")).ok());
  EXPECT_OK(files_->SyncFolder(Path("x")));
}

TEST_F(FileSystemTest, ModifiedTimeIsThatOfTheLastWrite) {
  WriteFile("a", "1");
  WriteFile("b", "2");
  std::filesystem::last_write_time(
      Path("a"), std::filesystem::last_write_time(Path("b")) - std::chrono::microseconds(1500000));
  ASSERT_OK_AND_ASSIGN(const absl::Time a, files_->ModifiedTime(Path("a")));
  ASSERT_OK_AND_ASSIGN(const absl::Time b, files_->ModifiedTime(Path("b")));
  EXPECT_EQ(b - a, absl::Milliseconds(1500));
}

TEST_F(FileSystemTest, RenameReplacesAndRemoveRemoves) {
  WriteFile("a", "new");
  WriteFile("b", "old");
  ASSERT_OK(files_->Rename(Path("a"), Path("b")));
  EXPECT_FALSE(files_->Exists(Path("a")));
  EXPECT_THAT(files_->ReadWhole(Path("b"), 10), IsOkAndHolds("new"));
  ASSERT_OK(files_->Remove(Path("b")));
  EXPECT_FALSE(files_->Exists(Path("b")));
}

TEST_F(FileSystemTest, AFolderIsRenamedWithWhatIsInIt) {
  ASSERT_OK(files_->CreateFolders(Path("from/in")));
  WriteFile("from/in/a", "content");
  ASSERT_OK(files_->Rename(Path("from"), Path("to")));
  EXPECT_FALSE(files_->Exists(Path("from")));
  EXPECT_THAT(files_->ReadWhole(Path("to/in/a"), 10), IsOkAndHolds("content"));
  ASSERT_OK(files_->CreateFolders(Path("other")));
  EXPECT_FALSE(files_->Rename(Path("other"), Path("to")).ok());
  EXPECT_TRUE(files_->Exists(Path("to/in/a")));
}

TEST_F(FileSystemTest, AFolderIsRemovedWithWhatIsInItAndNotWhereLinksLead) {
  ASSERT_OK(files_->CreateFolders(Path("gone/in")));
  ASSERT_OK(files_->CreateFolders(Path("stays")));
  WriteFile("gone/in/a", "");
  WriteFile("stays/a", "content");
  ASSERT_EQ(symlink(Path("stays").c_str(), Path("gone/link").c_str()), 0);
  ASSERT_OK(files_->RemoveFolder(Path("gone")));
  EXPECT_FALSE(files_->Exists(Path("gone")));
  EXPECT_THAT(files_->ReadWhole(Path("stays/a"), 10), IsOkAndHolds("content"));
  EXPECT_THAT(files_->RemoveFolder(Path("gone")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("gone"))));
}

TEST_F(FileSystemTest, LinksAreToldFromWhereTheyLead) {
  WriteFile("a", "");
  ASSERT_EQ(symlink(Path("a").c_str(), Path("link").c_str()), 0);
  ASSERT_EQ(symlink(Path("none").c_str(), Path("dangling").c_str()), 0);
  EXPECT_TRUE(files_->IsLink(Path("link")));
  EXPECT_TRUE(files_->IsLink(Path("dangling")));
  EXPECT_FALSE(files_->IsLink(Path("a")));
  EXPECT_FALSE(files_->IsLink(folder_));
  EXPECT_FALSE(files_->IsLink(Path("none")));
}

TEST_F(FileSystemTest, FreeBytesAreThoseOfTheDisk) {
  ASSERT_OK_AND_ASSIGN(int64_t free_bytes, files_->FreeBytes(folder_));
  EXPECT_GT(free_bytes, 0);
}

}  // namespace
}  // namespace cairn
