#include "client/cli/import_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/results.h"
#include "client/cli/tensorflow_annotations.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ImportPlanTest : public ::testing::Test {
 protected:
  ImportPlanTest() {
    folder_.has_state = true;
    target_.directory = "runs/a";
  }

  FolderCheckpoint& Add(const std::string& name, bool listed, int64_t seconds) {
    FolderCheckpoint& checkpoint = folder_.checkpoints.emplace_back();
    checkpoint.name = name;
    checkpoint.path = "run/" + name;
    checkpoint.files = {checkpoint.path + ".index"};
    checkpoint.number = NumberOfName(name);
    checkpoint.listed = listed;
    checkpoint.time = absl::FromUnixSeconds(seconds);
    if (listed) checkpoint.timestamp = seconds;
    files_.files[checkpoint.files.front()] = name;
    return checkpoint;
  }
  // What an import of all that the folder has leaves in the directory.
  void Commit(const ImportPlan& plan) {
    for (const ImportStep& step : plan.steps) {
      AddThere(step.annotations.at(kPrefixAnnotation), step.number,
               absl::ToUnixSeconds(step.checkpoint.time));
      *target_.checkpoints.back().mutable_annotations() = {step.annotations.begin(),
                                                           step.annotations.end()};
    }
  }
  void AddThere(const std::string& name, int64_t number, int64_t seconds) {
    v1::Checkpoint& checkpoint = target_.checkpoints.emplace_back();
    checkpoint.set_number(number);
    checkpoint.set_reference(absl::StrCat("runs/a@", number));
    checkpoint.set_sequence(++target_.save_counter);
    (*checkpoint.mutable_annotations())[kPrefixAnnotation] = name;
    *checkpoint.mutable_save_time() = TimestampFrom(absl::FromUnixSeconds(seconds));
  }
  absl::StatusOr<ImportPlan> Plan() { return PlanImport(&files_, folder_, target_); }
  void PlanAndCommit() {
    ASSERT_OK_AND_ASSIGN(const ImportPlan plan, Plan());
    Commit(plan);
  }
  // "name=number", with a "+" for what is preserved.
  std::vector<std::string> Steps() {
    std::vector<std::string> steps;
    const absl::StatusOr<ImportPlan> plan = Plan();
    EXPECT_OK(plan.status());
    if (!plan.ok()) return steps;
    for (const ImportStep& step : plan->steps) {
      steps.push_back(
          absl::StrCat(step.checkpoint.name, "=", step.number, step.preserved ? "+" : ""));
    }
    return steps;
  }

  MemoryFileSystem files_;
  CheckpointFolder folder_;
  ImportTarget target_;
};

TEST_F(ImportPlanTest, AllGoInTheFoldersOrderAndTheUnlistedArePreserved) {
  Add("ckpt-1", false, 10);
  Add("ckpt-9", true, 20);
  Add("ckpt-7", true, 30);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-1=1+", "ckpt-9=9", "ckpt-7=7"));
  ASSERT_OK_AND_ASSIGN(const ImportPlan plan, Plan());
  EXPECT_FALSE(plan.steps[0].annotations.contains(kTimestampAnnotation));
  EXPECT_EQ(plan.steps[1].annotations.at(kTimestampAnnotation), "20.0");
  EXPECT_EQ(plan.steps[1].annotations.at(kPrefixAnnotation), "ckpt-9");
}

TEST_F(ImportPlanTest, WithoutAStateFileAllArePreserved) {
  folder_.has_state = false;
  Add("ckpt-1", false, 10);
  Add("ckpt-2", false, 20);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-1=1+", "ckpt-2=2+"));
}

TEST_F(ImportPlanTest, ListedWithoutATimestampSaysSo) {
  Add("ckpt-1", true, 10).timestamp.reset();
  EXPECT_EQ(Plan()->steps[0].annotations.at(kTimestampAnnotation), kNoTimestamp);
}

TEST_F(ImportPlanTest, NamesThatAreNotUtf8GoAsText) {
  Add("gr\xfc\xdf-1", true, 10);
  EXPECT_EQ(Plan()->steps[0].annotations.at(kPrefixAnnotation), "gr\\xfc\\xdf-1");
}

TEST_F(ImportPlanTest, ANameWithoutANumberTakesTheNextThatNobodyClaims) {
  Add("best", false, 10);
  Add("ckpt-1", true, 20);
  Add("last", true, 30);
  Add("ckpt-3", true, 40);
  EXPECT_THAT(Steps(), ElementsAre("best=2+", "ckpt-1=1", "last=4", "ckpt-3=3"));
}

TEST_F(ImportPlanTest, OfTwoThatClaimANumberTheListedOneHasIt) {
  Add("best-10", false, 10);
  Add("ckpt-10", true, 20);
  Add("model-10", true, 30);
  EXPECT_THAT(Steps(), ElementsAre("best-10=1+", "ckpt-10=10", "model-10=3"));
}

TEST_F(ImportPlanTest, ANumberThatTheDirectoryUsesIsNotTakenAgain) {
  AddThere("other", 2, 5);
  Add("ckpt-1", true, 10);
  Add("ckpt-2", true, 20);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-1=1", "ckpt-2=3"));
}

TEST_F(ImportPlanTest, WhatIsThereIsSkippedAndAnUnchangedFolderHasNothingToDo) {
  Add("ckpt-1", false, 10);
  Add("ckpt-2", true, 20);
  PlanAndCommit();
  ASSERT_OK_AND_ASSIGN(const ImportPlan plan, Plan());
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_THAT(plan.skipped, ElementsAre("ckpt-1", "ckpt-2"));
}

TEST_F(ImportPlanTest, AnInterruptedImportGoesOnWhateverTheTimes) {
  Add("best", false, 99);
  Add("ckpt-2", true, 20);
  Add("ckpt-1", true, 10);
  ASSERT_OK_AND_ASSIGN(ImportPlan plan, Plan());
  while (!plan.steps.empty()) {
    plan.steps.pop_back();
    target_.checkpoints.clear();
    target_.save_counter = 0;
    Commit(plan);
    EXPECT_EQ(Steps().size(), 3 - plan.steps.size());
  }
}

TEST_F(ImportPlanTest, AFolderThatGainedCheckpointsIsContinued) {
  Add("ckpt-1", true, 10);
  Add("ckpt-2", true, 20);
  PlanAndCommit();
  folder_.checkpoints[0].listed = false;  // its manager let it go
  Add("ckpt-3", true, 30);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-3=3"));
  folder_.checkpoints.clear();  // or everything that was there
  Add("ckpt-8", true, 80);
  Add("ckpt-9", true, 90);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-8=8", "ckpt-9=9"));
}

TEST_F(ImportPlanTest, WhatBelongsBeforeOneThatIsThereIsRefused) {
  Add("ckpt-2", true, 20);
  PlanAndCommit();
  folder_.checkpoints.clear();
  Add("ckpt-1", true, 10);
  Add("ckpt-2", true, 20);
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("ckpt-1 belongs before ckpt-2")));
  folder_.checkpoints.clear();
  Add("best", false, 10);
  Add("ckpt-2", true, 20);
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("best belongs before ckpt-2")));
  Add("ckpt-3", true, 30);
  EXPECT_THAT(Steps(), ElementsAre("best=4+", "ckpt-3=3")) << "the latest is ckpt-3 all the same";
}

TEST_F(ImportPlanTest, AnOrderThatHasChangedSinceIsRefused) {
  Add("ckpt-1", true, 10);
  Add("ckpt-2", true, 20);
  PlanAndCommit();
  std::swap(folder_.checkpoints[0], folder_.checkpoints[1]);
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("`cairn rm runs/a@1` and import again")));
}

TEST_F(ImportPlanTest, OtherContentUnderANameIsRefused) {
  Add("ckpt-1", true, 10);
  PlanAndCommit();
  files_.files["run/ckpt-1.index"] = "saved again";
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("not the one that runs/a@1 was imported from")));
}

TEST_F(ImportPlanTest, WhatSaveSavedUnderTheNameIsThere) {
  AddThere("ckpt-1", 1, 99);
  Add("ckpt-1", true, 10);
  Add("ckpt-2", true, 20);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-2=2"));
}

TEST_F(ImportPlanTest, OlderOnesDoNotComeAfterANewerLatestOfAnotherOrigin) {
  Add("ckpt-1", true, 10);
  PlanAndCommit();
  AddThere("native", 2, 50);
  Add("ckpt-3", true, 40);
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("runs/a@2, which the folder does not have, was saved")));
  folder_.checkpoints.back().time = absl::FromUnixSeconds(50);
  EXPECT_THAT(Steps(), ElementsAre("ckpt-3=3"));
}

}  // namespace
}  // namespace cairn::cli
