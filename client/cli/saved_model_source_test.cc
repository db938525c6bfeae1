#include "client/cli/saved_model_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGolden[] = "tests/golden/saved_model";

TEST(SavedModelSourceTest, VariablesAreTensorsAndEverythingElseAttachments) {
  ASSERT_OK_AND_ASSIGN(const auto source, OpenSavedModel(FileSystem::System(), kGolden));
  std::vector<std::string> attachments;
  size_t tensors = 0;
  for (const SliceToSave& slice : source->slices()) {
    if (slice.kind == v1::TENSOR_KIND_ATTACHMENT) {
      attachments.push_back(slice.key);
    } else {
      ++tensors;
    }
  }
  EXPECT_THAT(attachments, ElementsAre("fingerprint.pb", "saved_model.pb"));
  EXPECT_GT(tensors, 1);
  EXPECT_EQ(source->identity().path, kGolden);
  EXPECT_FALSE(source->identity().number.has_value());
  EXPECT_THAT(source->identity().annotations,
              ElementsAre(std::pair("tensorflow.saved_model", "saved_model")));
}

TEST(SavedModelSourceTest, WithoutVariablesThereAreOnlyAttachments) {
  MemoryFileSystem files;
  files.files = {{"m/saved_model.pb", "graph"}, {"m/assets/vocab", "a"}};
  ASSERT_OK(files.CreateFolders("m/variables"));
  ASSERT_OK_AND_ASSIGN(const auto source, OpenSavedModel(&files, "m"));
  std::vector<std::string> names;
  for (const SliceToSave& slice : source->slices()) {
    EXPECT_EQ(slice.kind, v1::TENSOR_KIND_ATTACHMENT);
    names.push_back(slice.key);
  }
  EXPECT_THAT(names, ElementsAre("assets/vocab", "saved_model.pb", "variables/"));
}

TEST(SavedModelSourceTest, DataOfVariablesWithoutTheirIndexIsRefused) {
  MemoryFileSystem files;
  files.files = {{"m/saved_model.pb", ""}, {"m/variables/variables.data-00000-of-00001", "x"}};
  EXPECT_THAT(OpenSavedModel(&files, "m"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("variables.index")));
}

TEST(SavedModelSourceTest, DamagedVariablesAreRefused) {
  MemoryFileSystem files;
  files.files = {{"m/saved_model.pb", ""}, {"m/variables/variables.index", "no table"}};
  EXPECT_FALSE(OpenSavedModel(&files, "m").ok());
}

TEST(SavedModelSourceTest, AFolderIsFoundByItsPathOrItsGraph) {
  MemoryFileSystem files;
  files.files = {
      {"m/saved_model.pb", ""}, {"m/checkpoint", ""}, {"plain/variables/variables.index", ""}};
  for (const std::string path : {"m", "m/", "m//", "m/saved_model.pb"}) {
    EXPECT_EQ(SavedModelFolderAt(&files, path), "m") << path;
  }
  for (const std::string path : {"", "plain", "m/checkpoint", "m/variables", "none"}) {
    EXPECT_EQ(SavedModelFolderAt(&files, path), "") << path;
  }
}

TEST(SavedModelSourceTest, ACheckpointOfThatPrefixComesFirst) {
  MemoryFileSystem files;
  files.files = {{"m/saved_model.pb", ""}, {"m.index", ""}};
  EXPECT_EQ(SavedModelFolderAt(&files, "m"), "");
  EXPECT_EQ(SavedModelFolderAt(&files, "m/"), "m");
}

}  // namespace
}  // namespace cairn::cli
