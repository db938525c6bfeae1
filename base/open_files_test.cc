#include "base/open_files.h"

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

class OpenFilesTest : public ::testing::Test {
 protected:
  // The path of a file that is there.
  std::string Path(size_t number) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/open_files_test-", number);
    if (system_->Exists(path)) return path;
    const auto file = system_->CreateForWrite(path);
    EXPECT_OK(file);
    EXPECT_OK((*file)->Finish());
    return path;
  }
  // Opens one and keeps none of it.
  std::weak_ptr<RandomReadFile> Pass(size_t number) {
    const auto file = files_.Open(Path(number));
    EXPECT_OK(file);
    return *file;
  }

  FileSystem* const system_ = FileSystem::System();
  OpenFiles files_{system_};
};

TEST_F(OpenFilesTest, TheLastOpenedStayOpen) {
  const std::weak_ptr<RandomReadFile> first = Pass(0);
  for (size_t i = 1; i < OpenFiles::kMaxOpen; ++i) Pass(i);
  EXPECT_FALSE(first.expired());
  EXPECT_THAT(files_.Open(Path(0)), IsOkAndHolds(first.lock())) << "opened again";
  Pass(OpenFiles::kMaxOpen);
  EXPECT_TRUE(first.expired());
}

TEST_F(OpenFilesTest, WhatAnyoneHoldsStaysOpen) {
  ASSERT_OK_AND_ASSIGN(const auto held, files_.Open(Path(0)));
  for (size_t i = 1; i <= OpenFiles::kMaxOpen; ++i) Pass(i);
  EXPECT_OK(held->Read(0, {}));
}

TEST_F(OpenFilesTest, ErrorsAreThoseOfTheFileSystem) {
  EXPECT_THAT(files_.Open(::testing::TempDir() + "/missing"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("missing")));
}

}  // namespace
}  // namespace cairn
