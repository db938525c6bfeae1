#include "formats/tensor_bundle/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kMany = 3 * static_cast<int>(DataFiles::kMaxOpen);

// Memory files that count how many are open for writing.
class CountingFileSystem : public MemoryFileSystem {
 public:
  int open = 0;
  int most_open = 0;

  absl::StatusOr<std::unique_ptr<RandomWriteFile>> CreateForWrite(
      const std::string& path) override {
    return Count(MemoryFileSystem::CreateForWrite(path));
  }
  absl::StatusOr<std::unique_ptr<RandomWriteFile>> ReopenForWrite(
      const std::string& path) override {
    return Count(MemoryFileSystem::ReopenForWrite(path));
  }

 private:
  class CountedFile : public RandomWriteFile {
   public:
    CountedFile(CountingFileSystem* files, std::unique_ptr<RandomWriteFile> file)
        : files_(files), file_(std::move(file)) {
      files_->most_open = std::max(files_->most_open, ++files_->open);
    }
    ~CountedFile() override { --files_->open; }
    absl::Status Write(int64_t offset, absl::string_view bytes) override {
      return file_->Write(offset, bytes);
    }
    absl::Status Finish() override { return file_->Finish(); }

   private:
    CountingFileSystem* const files_;
    const std::unique_ptr<RandomWriteFile> file_;
  };

  absl::StatusOr<std::unique_ptr<RandomWriteFile>> Count(
      absl::StatusOr<std::unique_ptr<RandomWriteFile>> file) {
    if (!file.ok()) return file;
    return std::make_unique<CountedFile>(this, *std::move(file));
  }
};

absl::Status WriteAll(FileSystem* files, int count) {
  DataFiles data(files, "p", count, "tag");
  for (const int64_t offset : {4, 0}) {
    for (int i = 0; i < count; ++i) {
      CAIRN_RETURN_IF_ERROR(data.Write(i, offset, absl::StrCat(1000 + i)));
    }
  }
  CAIRN_RETURN_IF_ERROR(data.Finish());
  CAIRN_RETURN_IF_ERROR(data.Publish());
  data.Keep();
  return absl::OkStatus();
}

TEST(DataFilesTest, MoreFilesThanStayOpenAreWrittenInAnyOrder) {
  CountingFileSystem files;
  ASSERT_OK(WriteAll(&files, kMany));
  EXPECT_EQ(files.most_open, static_cast<int>(DataFiles::kMaxOpen));
  EXPECT_EQ(files.open, 0);
  ASSERT_THAT(files.files, SizeIs(kMany));
  for (int i = 0; i < kMany; ++i) {
    EXPECT_EQ(files.files[ShardPath("p", i, kMany)], absl::StrCat(1000 + i, 1000 + i));
  }
}

TEST(DataFilesTest, AFailureAnywhereLeavesNoFile) {
  constexpr int kCount = static_cast<int>(DataFiles::kMaxOpen) + 2;
  MemoryFileSystem whole;
  ASSERT_OK(WriteAll(&whole, kCount));
  for (int change = 0; change < whole.changes; ++change) {
    MemoryFileSystem files;
    files.fail_from_change = change;
    EXPECT_THAT(WriteAll(&files, kCount), StatusIs(absl::StatusCode::kUnavailable)) << change;
    EXPECT_THAT(files.files, IsEmpty()) << change;
  }
}

TEST(DataFilesTest, AFileThatCouldNotBeClosedEndsAllWriting) {
  MemoryFileSystem files;
  DataFiles data(&files, "p", kMany, "tag");
  for (int i = 0; i < static_cast<int>(DataFiles::kMaxOpen); ++i) ASSERT_OK(data.Write(i, 0, "x"));
  files.fail_from_change = files.changes;
  EXPECT_THAT(data.Write(kMany - 1, 0, "x"), StatusIs(absl::StatusCode::kUnavailable));
  files.fail_from_change = -1;
  EXPECT_THAT(data.Write(1, 1, "x"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(data.Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(DataFilesTest, FilesThatNothingWasWrittenToAreThere) {
  MemoryFileSystem files;
  DataFiles data(&files, "p", 2, "tag");
  ASSERT_OK(data.Finish());
  EXPECT_THAT(files.files, SizeIs(2));
  ASSERT_OK(data.Publish());
  data.Keep();
  EXPECT_EQ(files.files[data.Path(0)], "");
  EXPECT_EQ(files.files[data.Path(1)], "");
}

TEST(DataFilesTest, ThreadsShareTheFilesThatMayBeOpen) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "/data_files_test");
  ASSERT_OK(FileSystem::System()->CreateFolders(folder));
  constexpr int kThreads = 8;
  DataFiles data(FileSystem::System(), folder + "/p", kMany, "tag");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&data, t] {
      std::vector<int> order(kMany);
      for (int i = 0; i < kMany; ++i) order[i] = i;
      std::shuffle(order.begin(), order.end(), std::mt19937(t));
      for (int i : order) {
        EXPECT_OK(data.Write(i, t * 4, absl::StrCat(1000 + (i + t) % 1000)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(data.Finish());
  ASSERT_OK(data.Publish());
  data.Keep();
  for (int i = 0; i < kMany; ++i) {
    std::string expected;
    for (int t = 0; t < kThreads; ++t) absl::StrAppend(&expected, 1000 + (i + t) % 1000);
    EXPECT_THAT(FileSystem::System()->ReadWhole(data.Path(i), 1000), IsOkAndHolds(expected));
  }
}

}  // namespace
}  // namespace cairn
