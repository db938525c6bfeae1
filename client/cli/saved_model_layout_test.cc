#include "client/cli/saved_model_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<std::string>> Paths(const std::vector<std::string>& names) {
  return SavedModelPaths(names);
}

TEST(SavedModelLayoutTest, NamesAreThePathsTheyStandFor) {
  EXPECT_THAT(Paths({"saved_model.pb", "assets/a\\xff", "assets.extra/", "variables/notes",
                     "variables/variables", "..hidden", "a/...", "variables/variables.meta"}),
              IsOkAndHolds(ElementsAre("saved_model.pb", "assets/a\xff", "assets.extra/",
                                       "variables/notes", "variables/variables", "..hidden",
                                       "a/...", "variables/variables.meta")));
}

TEST(SavedModelLayoutTest, ANameThatLeavesTheFolderIsRefused) {
  for (const std::string name : {"..", "../x", "a/../../x", "a/..", "a/../", ".", "./x", "a/./x",
                                 "/etc/passwd", "/", "//", "a//b", "a//", "\\x2e./x\\x00"}) {
    const auto paths = Paths({"saved_model.pb", name});
    EXPECT_THAT(paths, StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(Paths({"a/../x"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a/../x")));
  EXPECT_THAT(Paths({"a\\x00"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("zero byte")));
}

TEST(SavedModelLayoutTest, AFileIsNotAFolderToo) {
  const std::vector<std::vector<std::string>> collisions = {
      {"a", "a/b"}, {"a/b/c", "a/b"}, {"a", "a/"}, {"a", "a/b/"}, {"variables"}};
  for (const auto& names : collisions) {
    EXPECT_THAT(Paths(names), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("folder")))
        << names[0];
  }
  // Names that lie between the two in byte order.
  EXPECT_THAT(Paths({"a", "a.b", "a-", "a/b"}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(Paths({"a/", "a/b", "ab"}));
}

TEST(SavedModelLayoutTest, TheVariablesFilesAreNobodyElses) {
  for (const std::string name :
       {"variables/variables.index", "variables/variables.data-00000-of-00001",
        "variables/variables.data-00003-of-00007", "variables/variables.index/",
        "variables/variables.index/x"}) {
    EXPECT_THAT(Paths({name}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("variables' files")))
        << name;
  }
}

TEST(SavedModelLayoutTest, ASavedModelIsAFolderWithAGraph) {
  MemoryFileSystem files;
  files.files = {{"binary/saved_model.pb", ""}, {"text/saved_model.pbtxt", ""}, {"none/a", ""}};
  EXPECT_TRUE(IsSavedModelFolder(&files, "binary"));
  EXPECT_TRUE(IsSavedModelFolder(&files, "text"));
  EXPECT_FALSE(IsSavedModelFolder(&files, "none"));
  EXPECT_FALSE(IsSavedModelFolder(&files, "binary/saved_model.pb"));
}

}  // namespace
}  // namespace cairn::cli
