#include "client/cli/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "formats/checkpoint_state/checkpoint_state.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StateFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/state_file_test-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_OK(files_->CreateFolders(folder_));
  }

  FileSystem* const files_ = FileSystem::System();
  std::string folder_;
};

TEST_F(StateFileTest, NamesThePrefixAloneAndRelative) {
  ASSERT_OK_AND_ASSIGN(const auto state, StateFile::Prepare(files_, folder_ + "/ckpt-3"));
  ASSERT_OK(state->Publish());
  ASSERT_OK_AND_ASSIGN(const auto content, ReadCheckpointState(files_, folder_ + "/checkpoint"));
  EXPECT_EQ(content.model_checkpoint_path(), "ckpt-3");
  EXPECT_THAT(content.all_model_checkpoint_paths(), ElementsAre("ckpt-3"));
  EXPECT_THAT(files_->ListFolder(folder_), IsOkAndHolds(ElementsAre("checkpoint")));
}

TEST_F(StateFileTest, WritesAWholeStateToo) {
  formats::CheckpointState content;
  content.set_model_checkpoint_path("ckpt-2");
  content.add_all_model_checkpoint_paths("ckpt-1");
  content.add_all_model_checkpoint_paths("ckpt-2");
  ASSERT_OK_AND_ASSIGN(const auto state, StateFile::Prepare(files_, folder_ + "/", content));
  ASSERT_OK(state->Publish());
  ASSERT_OK_AND_ASSIGN(const auto read, ReadCheckpointState(files_, folder_ + "/checkpoint"));
  EXPECT_THAT(read.all_model_checkpoint_paths(), ElementsAre("ckpt-1", "ckpt-2"));
}

TEST_F(StateFileTest, TakesThePlaceOfOneThatIsThere) {
  for (const std::string name : {"first", "second"}) {
    ASSERT_OK_AND_ASSIGN(const auto state, StateFile::Prepare(files_, folder_ + "/" + name));
    ASSERT_OK(state->Publish());
  }
  ASSERT_OK_AND_ASSIGN(const auto content, ReadCheckpointState(files_, folder_ + "/checkpoint"));
  EXPECT_THAT(content.all_model_checkpoint_paths(), ElementsAre("second"));
}

TEST_F(StateFileTest, WithoutPublishNothingStays) {
  {
    ASSERT_OK(StateFile::Prepare(files_, folder_ + "/ckpt-3"));
  }
  EXPECT_THAT(files_->ListFolder(folder_), IsOkAndHolds(IsEmpty()));
}

TEST_F(StateFileTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_FALSE(StateFile::Prepare(files_, folder_ + "/missing/ckpt-3").ok());
}

}  // namespace
}  // namespace cairn::cli
