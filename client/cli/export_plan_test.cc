#include "client/cli/export_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cli/results.h"
#include "client/cli/tensorflow_annotations.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ExportPlanTest : public ::testing::Test {
 protected:
  ExportPlanTest() {
    *directory_.mutable_last_preserved_time() = TimestampFrom(absl::FromUnixMillis(5500));
  }
  v1::Checkpoint& Add(int64_t number, const std::string& name = "") {
    v1::Checkpoint& checkpoint = checkpoints_.emplace_back();
    checkpoint.set_number(number);
    checkpoint.set_uid(absl::StrCat("uid", checkpoints_.size()));
    *checkpoint.mutable_save_time() = TimestampFrom(absl::FromUnixMillis(number * 1000 + 250));
    if (!name.empty()) (*checkpoint.mutable_annotations())[kPrefixAnnotation] = name;
    return checkpoint;
  }
  void SetTimestamp(v1::Checkpoint& checkpoint, const std::string& text) {
    (*checkpoint.mutable_annotations())[kTimestampAnnotation] = text;
  }
  ExportPlan Plan() const { return PlanExport(directory_, checkpoints_); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const ExportStep& step : Plan().steps) names.push_back(step.name);
    return names;
  }

  v1::Directory directory_;
  std::vector<v1::Checkpoint> checkpoints_;
};

TEST_F(ExportPlanTest, NamesAreThoseThatTheCheckpointsHad) {
  Add(5, "cp-0005.ckpt");
  Add(6);
  Add(7, "gr\\xfc\\xdf-7");
  EXPECT_THAT(Names(), ElementsAre("cp-0005.ckpt", "ckpt-6", "gr\xfc\xdf-7"));
}

TEST_F(ExportPlanTest, OfSeveralOfANameTheNewestHasIt) {
  Add(1, "cp.ckpt");
  Add(2, "cp.ckpt");
  Add(3, "ckpt-1");
  Add(4, "cp.ckpt");
  EXPECT_THAT(Names(), ElementsAre("ckpt-1-uid1", "ckpt-2", "ckpt-1", "cp.ckpt"));
}

TEST_F(ExportPlanTest, NamesThatAreNoneOfAFileInTheFolderAreNotTaken) {
  int64_t number = 0;
  for (const std::string name :
       {"../up", "a/b", "..", ".", "checkpoint", "zero\\x00", "", "x.safetensors"}) {
    (*Add(++number).mutable_annotations())[kPrefixAnnotation] = name;
  }
  Add(++number, std::string(300, 'x'));
  for (size_t i = 0; i < checkpoints_.size(); ++i) {
    EXPECT_EQ(Names()[i], absl::StrCat("ckpt-", i + 1));
  }
}

TEST_F(ExportPlanTest, ANameOfOldShardsBecomesOneOfAPrefix) {
  Add(7, "model-7-\?\?\?\?\?-of-00002");
  EXPECT_THAT(Names(), ElementsAre("model-7"));
}

TEST_F(ExportPlanTest, TheStateListsWhatIsNotPreservedInOrderOfCommit) {
  Add(1).set_preserved(true);
  Add(9);
  Add(7);
  EXPECT_EQ(PrintCheckpointState(Plan().state),
            "model_checkpoint_path: \"ckpt-7\"\n"
            "all_model_checkpoint_paths: \"ckpt-9\"\n"
            "all_model_checkpoint_paths: \"ckpt-7\"\n"
            "all_model_checkpoint_timestamps: 9.25\n"
            "all_model_checkpoint_timestamps: 7.25\n"
            "last_preserved_timestamp: 5.5\n");
}

TEST_F(ExportPlanTest, TimestampsKeepTheDigitsThatTheyHad) {
  SetTimestamp(Add(1), "1700000000.2500002");
  (*directory_.mutable_annotations())[kLastPreservedAnnotation] = "5.5000001";
  EXPECT_THAT(Plan().state.all_model_checkpoint_timestamps(), ElementsAre(1700000000.2500002));
  EXPECT_EQ(Plan().state.last_preserved_timestamp(), 5.5000001);
}

TEST_F(ExportPlanTest, NotesThatContradictOrMeanNothingAreNotUsed) {
  SetTimestamp(Add(1), "soon");
  (*directory_.mutable_annotations())[kLastPreservedAnnotation] = "4.5";  // it moved on since
  EXPECT_THAT(Plan().state.all_model_checkpoint_timestamps(), ElementsAre(1.25));
  EXPECT_EQ(Plan().state.last_preserved_timestamp(), 5.5);
}

TEST_F(ExportPlanTest, ListedWithoutTimestampsStaysSo) {
  SetTimestamp(Add(1), kNoTimestamp);
  SetTimestamp(Add(2), kNoTimestamp);
  EXPECT_THAT(Plan().state.all_model_checkpoint_paths(), ElementsAre("ckpt-1", "ckpt-2"));
  EXPECT_THAT(Plan().state.all_model_checkpoint_timestamps(), IsEmpty());
}

TEST_F(ExportPlanTest, AmongOthersListedWithoutATimestampIsNotTakenUpEither) {
  SetTimestamp(Add(1), kNoTimestamp);
  Add(9);
  EXPECT_THAT(Plan().state.all_model_checkpoint_timestamps(), ElementsAre(5.5, 9.25))
      << "a manager takes up what is later than last_preserved_timestamp";
}

TEST_F(ExportPlanTest, WithNothingListedTheStateNamesTheLatestAlone) {
  Add(1).set_preserved(true);
  Add(2).set_preserved(true);
  EXPECT_EQ(Plan().state.model_checkpoint_path(), "ckpt-2");
  EXPECT_THAT(Plan().state.all_model_checkpoint_paths(), IsEmpty());
}

}  // namespace
}  // namespace cairn::cli
