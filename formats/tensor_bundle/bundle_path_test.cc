#include "formats/tensor_bundle/bundle_path.h"

#include "absl/strings/escaping.h"
#include "base/status_matchers.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

class BundlePathTest : public ::testing::Test {
 protected:
  void Put(const std::string& path, const std::string& content = "") {
    files_.files[path] = content;
  }

  absl::StatusOr<std::string> Prefix(const std::string& path) {
    absl::StatusOr<BundlePath> found = ResolveBundlePath(&files_, path);
    if (!found.ok()) return found.status();
    return found->prefix;
  }

  MemoryFileSystem files_;
};

// What a table ends with: two empty handles and the magic number.
std::string TableFooter() {
  return std::string(40, '\0') + absl::HexStringToBytes("57fb808b247547db");
}

TEST_F(BundlePathTest, APrefixAndItsFilesMeanThePrefix) {
  Put("runs/ckpt-7.index");
  Put("runs/ckpt-7.data-00000-of-00002");
  EXPECT_THAT(Prefix("runs/ckpt-7"), IsOkAndHolds("runs/ckpt-7"));
  EXPECT_THAT(Prefix("runs/ckpt-7.index"), IsOkAndHolds("runs/ckpt-7"));
  EXPECT_THAT(Prefix("runs/ckpt-7.data-00001-of-00002"), IsOkAndHolds("runs/ckpt-7"));
}

TEST_F(BundlePathTest, APrefixMayLookLikeAFile) {
  Put("x.index.index");
  Put("x.index");
  EXPECT_THAT(Prefix("x.index"), IsOkAndHolds("x.index"));
}

TEST_F(BundlePathTest, AFolderOfNamelessFilesIsAPrefixWithASlash) {
  Put("published/.index");
  EXPECT_THAT(Prefix("published"), IsOkAndHolds("published/"));
  EXPECT_THAT(Prefix("published/"), IsOkAndHolds("published/"));
  EXPECT_THAT(Prefix("published/.index"), IsOkAndHolds("published/"));
}

TEST_F(BundlePathTest, ASavedModelMeansItsVariables) {
  Put("model/saved_model.pb");
  Put("model/variables/variables.index");
  EXPECT_THAT(Prefix("model"), IsOkAndHolds("model/variables/variables"));
  EXPECT_THAT(Prefix("model/"), IsOkAndHolds("model/variables/variables"));
}

TEST_F(BundlePathTest, AStateFileMeansItsLatestWhereverItWasWritten) {
  Put("runs/checkpoint", "model_checkpoint_path: \"/gone/elsewhere/ckpt-2\"\n");
  Put("runs/ckpt-2.index");
  Put("runs/ckpt-3.index");
  EXPECT_THAT(Prefix("runs"), IsOkAndHolds("runs/ckpt-2"));
  EXPECT_THAT(Prefix("runs/"), IsOkAndHolds("runs/ckpt-2"));
  EXPECT_THAT(Prefix("runs/checkpoint"), IsOkAndHolds("runs/ckpt-2"));
}

TEST_F(BundlePathTest, AStateFileWithoutItsCheckpointIsNotFound) {
  Put("runs/checkpoint", "model_checkpoint_path: \"ckpt-2\"\n");
  EXPECT_THAT(Prefix("runs"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("runs/ckpt-2.index")));
}

TEST_F(BundlePathTest, ADamagedStateFileIsAnErrorThatNamesIt) {
  Put("runs/checkpoint", "garbage");
  EXPECT_THAT(Prefix("runs"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("runs/checkpoint")));
}

TEST_F(BundlePathTest, ATableWithoutAnIndexIsAV1File) {
  Put("old/model.ckpt-5", TableFooter());
  ASSERT_OK_AND_ASSIGN(const BundlePath path, ResolveBundlePath(&files_, "old/model.ckpt-5"));
  EXPECT_TRUE(path.is_v1());
  EXPECT_EQ(path.prefix, "old/model.ckpt-5");
  EXPECT_THAT(path.v1_files, ElementsAre("old/model.ckpt-5"));
  EXPECT_THAT(path.number, Optional(5));
}

TEST_F(BundlePathTest, AnIndexGoesBeforeAV1File) {
  Put("old/model.ckpt-5", TableFooter());
  Put("old/model.ckpt-5.index");
  ASSERT_OK_AND_ASSIGN(const BundlePath path, ResolveBundlePath(&files_, "old/model.ckpt-5"));
  EXPECT_FALSE(path.is_v1());
}

TEST_F(BundlePathTest, AnyNameOfV1ShardsMeansThemAll) {
  Put("a/ckpt-1000-00000-of-00002", TableFooter());
  Put("a/ckpt-1000-00001-of-00002", TableFooter());
  Put("a/checkpoint", "model_checkpoint_path: \"/gone/ckpt-1000-\?\?\?\?\?-of-00002\"\n");
  Put("a/ckpt-1000.meta", "graph");
  for (const char* path :
       {"a/ckpt-1000", "a/ckpt-1000-00000-of-00002", "a/ckpt-1000-00001-of-00002",
        "a/ckpt-1000-\?\?\?\?\?-of-00002", "a", "a/checkpoint"}) {
    ASSERT_OK_AND_ASSIGN(const BundlePath found, ResolveBundlePath(&files_, path));
    EXPECT_EQ(found.prefix, "a/ckpt-1000") << path;
    EXPECT_THAT(found.v1_files,
                ElementsAre("a/ckpt-1000-00000-of-00002", "a/ckpt-1000-00001-of-00002"))
        << path;
    EXPECT_THAT(found.number, Optional(1000)) << path;
  }
}

TEST_F(BundlePathTest, V1ShardsOfTheWorkingFolderAreFound) {
  Put("./old-00000-of-00001", TableFooter());
  ASSERT_OK_AND_ASSIGN(const BundlePath found, ResolveBundlePath(&files_, "./old"));
  EXPECT_THAT(found.v1_files, ElementsAre("./old-00000-of-00001"));
}

TEST_F(BundlePathTest, AMissingV1ShardIsNamed) {
  Put("a/old-00000-of-00003");
  Put("a/old-00002-of-00003");
  for (const char* path : {"a/old", "a/old-00000-of-00003", "a/old-\?\?\?\?\?-of-00003"}) {
    EXPECT_THAT(Prefix(path), AllOf(StatusIs(absl::StatusCode::kNotFound,
                                             HasSubstr("a/old-00001-of-00003 is missing")),
                                    HasReason(ErrorReason::ERROR_REASON_BAD_FILE)))
        << path;
  }
}

TEST_F(BundlePathTest, AHugeNumberOfV1ShardsCostsNothing) {
  Put("a/old-00000-of-2000000000");
  EXPECT_THAT(Prefix("a/old"), StatusIs(absl::StatusCode::kNotFound,
                                        HasSubstr("a/old-00001-of-2000000000 is missing")));
}

TEST_F(BundlePathTest, APrefixOfTwoSetsOfV1ShardsIsAmbiguous) {
  Put("a/old-00000-of-00001");
  Put("a/old-00000-of-00002");
  Put("a/old-00001-of-00002");
  EXPECT_THAT(Prefix("a/old"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("give one of a/old-00000-of-00001, a/old-00000-of-00002")));
  ASSERT_OK_AND_ASSIGN(const BundlePath found,
                       ResolveBundlePath(&files_, "a/old-\?\?\?\?\?-of-00002"));
  EXPECT_EQ(found.v1_files.size(), 2);
}

TEST_F(BundlePathTest, NamesThatNoWriterGivesAreNoV1Shards) {
  for (const char* name : {"a/x-0-of-1", "a/x-00001-of-00001", "a/x-000000-of-000001",
                           "a/x-00000-of-0000a", "a/x-+0000-of-00001", "a/x-00000-of-00000"}) {
    Put(name);
  }
  EXPECT_THAT(Prefix("a/x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a/x-\?\?\?\?\?-of-\?\?\?\?\?")));
}

TEST_F(BundlePathTest, WhatIsNoCheckpointSaysWhatWasLookedFor) {
  Put("notes.txt", "hello");
  Put("empty/readme", "hello");
  EXPECT_THAT(Prefix("notes.txt"),
              AllOf(StatusIs(absl::StatusCode::kNotFound, HasSubstr("notes.txt.index")),
                    HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
  EXPECT_THAT(Prefix("empty"), StatusIs(absl::StatusCode::kNotFound,
                                        AllOf(HasSubstr("empty.index"), HasSubstr("empty/.index"),
                                              HasSubstr("empty/variables/variables.index"),
                                              HasSubstr("empty/checkpoint"))));
  EXPECT_THAT(Prefix("absent"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Prefix(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(BundlePathTest, AFolderWithoutItsStateFileListsItsCheckpoints) {
  Put("runs/ckpt-8.index");
  Put("runs/ckpt-9.index");
  EXPECT_THAT(Prefix("runs"), StatusIs(absl::StatusCode::kNotFound,
                                       HasSubstr("give one of runs/ckpt-8, runs/ckpt-9")));
}

TEST_F(BundlePathTest, TheNumberComesWithThePrefix) {
  Put("runs/ckpt-7.index");
  ASSERT_OK_AND_ASSIGN(const BundlePath path, ResolveBundlePath(&files_, "runs/ckpt-7.index"));
  EXPECT_THAT(path.number, Optional(7));
}

TEST(NumberOfPrefixTest, IsTheNumberAfterTheLastDash) {
  EXPECT_THAT(NumberOfPrefix("ckpt-7"), Optional(7));
  EXPECT_THAT(NumberOfPrefix("a-1/model.ckpt-0000120"), Optional(120));
  EXPECT_THAT(NumberOfPrefix("ckpt-0"), Optional(0));
  EXPECT_THAT(NumberOfPrefix("ckpt-9223372036854775807"), Optional(9223372036854775807));
  for (const char* prefix : {"", "ckpt", "ckpt-", "ckpt--5", "a-1/ckpt", "a-1/", "ckpt-x1",
                             "ckpt- 1", "ckpt-+1", "ckpt-1 ", "ckpt-9223372036854775808"}) {
    EXPECT_FALSE(NumberOfPrefix(prefix).has_value()) << prefix;
  }
}

}  // namespace
}  // namespace cairn
