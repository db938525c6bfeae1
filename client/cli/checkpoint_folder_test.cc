#include "client/cli/checkpoint_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckpointFolderTest : public ::testing::Test {
 protected:
  // The files of a checkpoint, written at `seconds`.
  void Add(const std::string& name, int64_t seconds = 0) {
    files_.files["run/" + name + ".index"] = name;
    files_.files["run/" + name + ".data-00000-of-00001"] = "data";
    files_.times["run/" + name + ".index"] = absl::FromUnixSeconds(seconds);
  }
  void SetState(const std::string& text) { files_.files["run/checkpoint"] = text; }

  absl::StatusOr<CheckpointFolder> Read() { return ReadCheckpointFolder(&files_, "run"); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const absl::StatusOr<CheckpointFolder> folder = Read();
    EXPECT_OK(folder.status());
    if (!folder.ok()) return names;
    for (const FolderCheckpoint& checkpoint : folder->checkpoints) {
      names.push_back(checkpoint.name);
    }
    return names;
  }

  MemoryFileSystem files_;
};

constexpr char kManagerState[] = R"(model_checkpoint_path: "ckpt-3"
all_model_checkpoint_paths: "ckpt-9"
all_model_checkpoint_paths: "ckpt-3"
all_model_checkpoint_timestamps: 1700000000.2500002
all_model_checkpoint_timestamps: 1700000600.5
last_preserved_timestamp: 1699999999.1
)";

TEST_F(CheckpointFolderTest, AManagersCheckpointsComeInItsOrderWithItsTimes) {
  Add("ckpt-3", 9);
  Add("ckpt-9", 8);
  SetState(kManagerState);
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  EXPECT_TRUE(folder.has_state);
  EXPECT_EQ(folder.last_preserved, 1699999999.1);
  EXPECT_THAT(folder.missing, IsEmpty());
  ASSERT_EQ(folder.checkpoints.size(), 2u);
  const FolderCheckpoint& first = folder.checkpoints[0];
  EXPECT_EQ(first.name, "ckpt-9");
  EXPECT_EQ(first.path, "run/ckpt-9");
  EXPECT_EQ(first.number, 9);
  EXPECT_TRUE(first.listed);
  EXPECT_EQ(first.timestamp, 1700000000.2500002);
  EXPECT_EQ(first.time, absl::FromUnixMillis(1700000000250));
  EXPECT_EQ(folder.checkpoints[1].name, "ckpt-3");
}

TEST_F(CheckpointFolderTest, PathsOfAnotherMachineAreLookedUpByTheirLastPart) {
  Add("model.ckpt-1000", 5);
  Add("model.ckpt-2000", 7);
  SetState(R"(model_checkpoint_path: "/gone/b/model.ckpt-2000"
all_model_checkpoint_paths: "/gone/a/model.ckpt-1000"
all_model_checkpoint_paths: "/gone/b/model.ckpt-2000")");
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  ASSERT_EQ(folder.checkpoints.size(), 2u);
  EXPECT_EQ(folder.checkpoints[0].number, 1000);
  EXPECT_FALSE(folder.checkpoints[0].timestamp.has_value());
  EXPECT_EQ(folder.checkpoints[0].time, absl::FromUnixSeconds(5)) << "its file's";
  EXPECT_EQ(folder.last_preserved, 0);
}

TEST_F(CheckpointFolderTest, SeveralNamesForOneAreOneAtThePlaceOfTheLast) {
  Add("a-1");
  Add("a-2");
  SetState(R"(model_checkpoint_path: "a-1" all_model_checkpoint_paths: "a-1"
all_model_checkpoint_paths: "a-2" all_model_checkpoint_paths: "/else/a-1")");
  EXPECT_THAT(Names(), ElementsAre("a-2", "a-1"));
}

TEST_F(CheckpointFolderTest, WhatIsNotListedComesFirstByTheTimeOfItsFile) {
  Add("ckpt-3");
  Add("ckpt-9");
  Add("ckpt-1", 300);
  Add("ckpt-2", 200);
  Add("best", 250);
  SetState(kManagerState);
  EXPECT_THAT(Names(), ElementsAre("ckpt-2", "best", "ckpt-1", "ckpt-9", "ckpt-3"));
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  EXPECT_FALSE(folder.checkpoints[0].listed);
  EXPECT_FALSE(folder.checkpoints[1].number.has_value());
}

TEST_F(CheckpointFolderTest, WithoutAStateFileTimeAloneCounts) {
  Add("cp-0001.ckpt", 3);
  Add("cp-0002.ckpt", 2);
  Add("cp-0003.ckpt", 2);
  EXPECT_THAT(Names(), ElementsAre("cp-0002.ckpt", "cp-0003.ckpt", "cp-0001.ckpt"));
  EXPECT_FALSE(Read()->has_state);
}

TEST_F(CheckpointFolderTest, OnlyFilesThatEndInIndexAndHaveANameAreCheckpoints) {
  Add("ckpt-1");
  files_.files["run/.index"] = "no name";
  files_.files["run/ckpt-2.data-00000-of-00001"] = "without index";
  files_.files["run/ckpt-3.index.tempstate123"] = "unfinished";
  files_.files["run/ckpt-4_temp/part-00000-of-00001.index"] = "unfinished";
  files_.files["run/odd.index/file"] = "a folder";
  EXPECT_THAT(Names(), ElementsAre("ckpt-1"));
}

TEST_F(CheckpointFolderTest, WhatIsListedAndNotThereIsNamed) {
  Add("ckpt-9");
  SetState(kManagerState);
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  EXPECT_THAT(folder.missing, ElementsAre("ckpt-3"));
  EXPECT_THAT(Names(), ElementsAre("ckpt-9"));
}

TEST_F(CheckpointFolderTest, WhatIsNoNameOfAFileIsNotThere) {
  SetState(R"(model_checkpoint_path: "checkpoint" all_model_checkpoint_paths: "a/"
all_model_checkpoint_paths: ".." all_model_checkpoint_paths: "a\000b"
all_model_checkpoint_paths: "checkpoint")");
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_THAT(Read()->missing, ElementsAre("a/", "..", std::string("a\0b", 3), "checkpoint"));
}

TEST_F(CheckpointFolderTest, ALatestThatIsNotTheLastListedIsRefused) {
  Add("ckpt-1");
  Add("ckpt-2");
  SetState(R"(model_checkpoint_path: "ckpt-1" all_model_checkpoint_paths: "ckpt-1"
all_model_checkpoint_paths: "ckpt-2")");
  EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("ckpt-1 is the latest, yet lists ckpt-2 after it")));
}

TEST_F(CheckpointFolderTest, ALatestThatIsNotListedIsTheLast) {
  Add("ckpt-1");
  Add("ckpt-2");
  SetState(R"(model_checkpoint_path: "ckpt-1" all_model_checkpoint_paths: "ckpt-2"
all_model_checkpoint_timestamps: 5)");
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  ASSERT_EQ(folder.checkpoints.size(), 2u);
  EXPECT_EQ(folder.checkpoints[1].name, "ckpt-1");
  EXPECT_TRUE(folder.checkpoints[1].listed);
  EXPECT_FALSE(folder.checkpoints[1].timestamp.has_value());
}

TEST_F(CheckpointFolderTest, TimestampsThatAreNoTimesAreRefused) {
  Add("a-1");
  for (const std::string bad : {"nan", "inf", "-inf", "1e300", "253402300800.0", "-1e12"}) {
    SetState(absl::StrCat("model_checkpoint_path: 'a-1' all_model_checkpoint_paths: 'a-1' ",
                          "all_model_checkpoint_timestamps: ", bad));
    EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("for a-1"))) << bad;
    SetState(absl::StrCat("model_checkpoint_path: 'a-1' last_preserved_timestamp: ", bad));
    EXPECT_THAT(Read(), HasReason(ErrorReason::ERROR_REASON_BAD_FILE)) << bad;
  }
}

TEST_F(CheckpointFolderTest, ADamagedStateFileIsRefused) {
  Add("a-1");
  for (const std::string bad : {"", "garbage", "model_checkpoint_path: \"\""}) {
    SetState(bad);
    EXPECT_THAT(Read(), HasReason(ErrorReason::ERROR_REASON_BAD_FILE)) << bad;
  }
}

TEST_F(CheckpointFolderTest, WhatIsNoFolderIsRefused) {
  Add("a-1");
  EXPECT_THAT(ReadCheckpointFolder(&files_, "run/a-1.index"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("it is no folder")));
}

TEST_F(CheckpointFolderTest, V1FilesAreCheckpointsListedOrNot) {
  FileSystem* real = FileSystem::System();
  for (const std::string file :
       {"all", "model.ckpt-1000-00000-of-00002", "model.ckpt-1000-00001-of-00002"}) {
    ASSERT_OK_AND_ASSIGN(files_.files["run/" + file],
                         real->ReadWhole("tests/golden/version_one/" + file, 1 << 20));
  }
  files_.files["run/train-00000-of-00002"] = "records, not a checkpoint";
  files_.files["run/model.ckpt-1000.meta"] = "a graph";
  EXPECT_THAT(Names(), ElementsAre("all", "model.ckpt-1000"));
  SetState(R"(model_checkpoint_path: "/x/model.ckpt-1000-?????-of-00002")");
  ASSERT_OK_AND_ASSIGN(const CheckpointFolder folder, Read());
  ASSERT_EQ(folder.checkpoints.size(), 2u);
  EXPECT_FALSE(folder.checkpoints[0].listed);
  const FolderCheckpoint& sharded = folder.checkpoints[1];
  EXPECT_TRUE(sharded.listed);
  EXPECT_EQ(sharded.name, "model.ckpt-1000");
  EXPECT_EQ(sharded.number, 1000);
  EXPECT_THAT(sharded.files, ElementsAre("run/model.ckpt-1000-00000-of-00002",
                                         "run/model.ckpt-1000-00001-of-00002"));
}

TEST_F(CheckpointFolderTest, OtherContentHasAnotherMark) {
  files_.files["a"] = "one";
  files_.files["b"] = "two";
  ASSERT_OK_AND_ASSIGN(const std::string a, ContentMark(&files_, {"a"}));
  EXPECT_THAT(ContentMark(&files_, {"b"}), IsOkAndHolds(::testing::Ne(a)));
  ASSERT_OK_AND_ASSIGN(const std::string both, ContentMark(&files_, {"a", "b"}));
  files_.files["b"] = "one";
  EXPECT_THAT(ContentMark(&files_, {"b"}), IsOkAndHolds(a));
  EXPECT_THAT(ContentMark(&files_, {"a", "b"}), IsOkAndHolds(::testing::Ne(both)));
  EXPECT_THAT(ContentMark(&files_, {"missing"}), StatusIs(absl::StatusCode::kNotFound));
}

TEST(NumberOfNameTest, ReadsWhatPeopleCallTheirCheckpoints) {
  EXPECT_EQ(NumberOfName("ckpt-7"), 7);
  EXPECT_EQ(NumberOfName("cp-0005.ckpt"), 5);
  EXPECT_EQ(NumberOfName("model.ckpt-1000"), 1000);
  EXPECT_EQ(NumberOfName("model.ckpt-1000-\?\?\?\?\?-of-00016"), 1000);
  EXPECT_EQ(NumberOfName("model.ckpt-1000-00003-of-00016"), 1000);
  EXPECT_EQ(NumberOfName("ckpt-0"), 0);
  for (const char* name : {"best", "model.ckpt", "ckpt--5", "weights.05-0.32.ckpt",
                           "old-\?\?\?\?\?-of-00001", "ckpt-99999999999999999999", ""}) {
    EXPECT_FALSE(NumberOfName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace cairn::cli
