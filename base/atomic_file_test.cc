#include "base/atomic_file.h"

#include <filesystem>

#include "base/error.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AtomicFileTest : public ::testing::Test {
 protected:
  AtomicFileTest() { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<AtomicFile>> Create(bool replace = false) {
    return AtomicFile::Create(files_, path_, replace);
  }
  // Makes the file hold `content`.
  void Make(const std::string& content) {
    ASSERT_OK_AND_ASSIGN(const auto file, Create());
    ASSERT_OK(file->Write(0, content));
    ASSERT_OK(file->Publish());
  }
  std::vector<std::string> Names() { return files_->ListFolder(folder_).value(); }

  FileSystem* const files_ = FileSystem::System();
  const std::string folder_ = ::testing::TempDir() + "/atomic_file_test";
  const std::string path_ = folder_ + "/file";
};

TEST_F(AtomicFileTest, StandsUnderItsNameWhenItIsPublished) {
  ASSERT_OK_AND_ASSIGN(const auto file, Create());
  ASSERT_OK(file->Write(2, "cd"));
  ASSERT_OK(file->Write(0, "ab"));
  EXPECT_FALSE(files_->Exists(path_));
  ASSERT_OK(file->Publish());
  EXPECT_THAT(files_->ReadWhole(path_, 100), IsOkAndHolds("abcd"));
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, NothingStaysOfOneThatIsNotPublished) {
  {
    ASSERT_OK_AND_ASSIGN(const auto file, Create());
    ASSERT_OK(file->Write(0, "ab"));
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(AtomicFileTest, OneThatIsThereIsReplacedOnlyWhenToldTo) {
  Make("old");
  EXPECT_THAT(Create(), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Create(), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
  ASSERT_OK_AND_ASSIGN(const auto file, Create(/*replace=*/true));
  EXPECT_THAT(files_->ReadWhole(path_, 100), IsOkAndHolds("old"));
  ASSERT_OK(file->Write(0, "new"));
  ASSERT_OK(file->Publish());
  EXPECT_THAT(files_->ReadWhole(path_, 100), IsOkAndHolds("new"));
}

TEST_F(AtomicFileTest, OneThatCameMeanwhileStays) {
  {
    ASSERT_OK_AND_ASSIGN(const auto file, Create());
    Make("other");
    EXPECT_THAT(file->Publish(), StatusIs(absl::StatusCode::kAlreadyExists));
  }
  EXPECT_THAT(files_->ReadWhole(path_, 100), IsOkAndHolds("other"));
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, AFolderIsNeverReplaced) {
  ASSERT_OK(files_->CreateFolders(path_ + "/below"));
  {
    ASSERT_OK_AND_ASSIGN(const auto file, Create(/*replace=*/true));
    EXPECT_FALSE(file->Publish().ok());
  }
  EXPECT_THAT(Names(), ElementsAre("file"));
  EXPECT_TRUE(files_->IsFolder(path_ + "/below"));
}

}  // namespace
}  // namespace cairn
