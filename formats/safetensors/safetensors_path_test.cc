#include "formats/safetensors/safetensors_path.h"

#include <gmock/gmock.h>

#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SafetensorsPathTest, NamesTellWhatIsWhat) {
  for (const char* path :
       {"x.safetensors", "runs/.safetensors", "model-00001-of-00002.safetensors"}) {
    EXPECT_TRUE(IsSafetensorsFile(path)) << path;
    EXPECT_FALSE(IsSafetensorsIndex(path)) << path;
  }
  for (const char* path : {"model.safetensors.index.json", "a/model.safetensors.index.fp16.json"}) {
    EXPECT_FALSE(IsSafetensorsFile(path)) << path;
    EXPECT_TRUE(IsSafetensorsIndex(path)) << path;
  }
  for (const char* path : {"", "x", "x.safetensors.index", "x.index.json", "safetensors",
                           "a.safetensors.index.d/config.json", "x.safetensors/ckpt",
                           "x.safetensors.index.json.index", "x.safetensors.json"}) {
    EXPECT_FALSE(IsSafetensorsFile(path)) << path;
    EXPECT_FALSE(IsSafetensorsIndex(path)) << path;
  }
}

TEST(FindSafetensorsTest, AnIndexComesBeforeFiles) {
  MemoryFileSystem files;
  files.files = {{"m/model-1.safetensors", ""}, {"m/config.json", ""}};
  EXPECT_THAT(FindSafetensors(&files, "m"), IsOkAndHolds("m/model-1.safetensors"));
  EXPECT_THAT(FindSafetensors(&files, "m/"), IsOkAndHolds("m/model-1.safetensors"));
  files.files["m/model-2.safetensors"] = "";
  files.files["m/model.safetensors.index.json"] = "";
  EXPECT_THAT(FindSafetensors(&files, "m"), IsOkAndHolds("m/model.safetensors.index.json"));
}

TEST(FindSafetensorsTest, WithoutAnyThereIsNone) {
  MemoryFileSystem files;
  files.files = {{"m/config.json", ""}, {"m/sub.safetensors/file", ""}};
  EXPECT_THAT(FindSafetensors(&files, "m"), IsOkAndHolds(""));
  EXPECT_THAT(FindSafetensors(&files, "n"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FindSafetensorsTest, SeveralAreNamed) {
  MemoryFileSystem files;
  files.files = {{"m/a.safetensors", ""}, {"m/b.safetensors", ""}};
  EXPECT_THAT(FindSafetensors(&files, "m"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("m/a.safetensors"), HasSubstr("m/b.safetensors"))));
  files.files["m/a.safetensors.index.json"] = "";
  files.files["m/b.safetensors.index.json"] = "";
  EXPECT_THAT(FindSafetensors(&files, "m"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                     AllOf(HasSubstr("a.safetensors.index.json"),
                                                           Not(HasSubstr("s, m/b.safetensors,")))));
}

}  // namespace
}  // namespace cairn
