#include "formats/checkpoint_state/checkpoint_state.h"

#include <fstream>

#include "base/file_system.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As a manager of TensorFlow 2.21 writes it.
constexpr char kText[] = R"(model_checkpoint_path: "ckpt-3"
all_model_checkpoint_paths: "ckpt-2"
all_model_checkpoint_paths: "ckpt-3"
all_model_checkpoint_timestamps: 1700000000.25
all_model_checkpoint_timestamps: 1700000600.5
last_preserved_timestamp: 1699999999.1
)";

TEST(CheckpointStateTest, ReadsWhatAManagerWrites) {
  ASSERT_OK_AND_ASSIGN(const formats::CheckpointState state, ParseCheckpointState(kText));
  EXPECT_EQ(state.model_checkpoint_path(), "ckpt-3");
  EXPECT_THAT(state.all_model_checkpoint_paths(), ElementsAre("ckpt-2", "ckpt-3"));
  EXPECT_THAT(state.all_model_checkpoint_timestamps(), ElementsAre(1700000000.25, 1700000600.5));
  EXPECT_EQ(state.last_preserved_timestamp(), 1699999999.1);
}

TEST(CheckpointStateTest, PrintsWhatAManagerWrites) {
  EXPECT_EQ(PrintCheckpointState(ParseCheckpointState(kText).value()), kText);
}

TEST(CheckpointStateTest, TimestampsMayBeMissing) {
  const std::string text =
      "model_checkpoint_path: \"/a/b\"\nall_model_checkpoint_paths: \"/a/b\"\n";
  ASSERT_OK_AND_ASSIGN(const formats::CheckpointState state, ParseCheckpointState(text));
  EXPECT_EQ(PrintCheckpointState(state), text);
}

// Both lists were printed by Python's text_format.
TEST(CheckpointStateTest, NumbersAndPathsArePrintedAsPythonDoes) {
  formats::CheckpointState state;
  state.set_model_checkpoint_path("a\n\"b'\\\xc3\xbc\x01\x7f");
  for (const double value : {1700000000.0, 1763723305.123456, 1e22, 1e16, 1e15, 0.0001, 0.00001,
                             -0.0, 123456789012345680.0, 1763723305.1234567}) {
    state.add_all_model_checkpoint_timestamps(value);
  }
  EXPECT_EQ(PrintCheckpointState(state),
            "model_checkpoint_path: \"a\\n\\\"b\\'\\\\\xc3\xbc\\001\\177\"\n"
            "all_model_checkpoint_timestamps: 1700000000.0\n"
            "all_model_checkpoint_timestamps: 1763723305.123456\n"
            "all_model_checkpoint_timestamps: 1e+22\n"
            "all_model_checkpoint_timestamps: 1e+16\n"
            "all_model_checkpoint_timestamps: 1000000000000000.0\n"
            "all_model_checkpoint_timestamps: 0.0001\n"
            "all_model_checkpoint_timestamps: 1e-05\n"
            "all_model_checkpoint_timestamps: -0.0\n"
            "all_model_checkpoint_timestamps: 1.2345678901234568e+17\n"
            "all_model_checkpoint_timestamps: 1763723305.1234567\n");
}

TEST(CheckpointStateTest, GarbageIsNamedByItsPlace) {
  EXPECT_THAT(ParseCheckpointState("model_checkpoint_path: \"a\"\nwhat?"),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2, column")),
                    HasReason(ErrorReason::ERROR_REASON_BAD_FILE)));
  EXPECT_FALSE(ParseCheckpointState("model_checkpoint_path: \"a").ok());
  EXPECT_FALSE(ParseCheckpointState("unknown_field: 1").ok());
}

TEST(CheckpointStateTest, AStateWithoutALatestIsAnError) {
  for (const char* text :
       {"", "\n", "model_checkpoint_path: \"\"", "all_model_checkpoint_paths: \"a\""}) {
    EXPECT_THAT(ParseCheckpointState(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model_checkpoint_path")));
  }
}

TEST(CheckpointStateTest, TimestampsAreAsManyAsPaths) {
  EXPECT_THAT(
      ParseCheckpointState("model_checkpoint_path: \"a\"\nall_model_checkpoint_paths: \"a\"\n"
                           "all_model_checkpoint_timestamps: [1, 2]"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2 timestamps for 1")));
}

TEST(CheckpointStateTest, FilesAreReadAndTheirErrorsNameThem) {
  const std::string path = ::testing::TempDir() + "checkpoint";
  EXPECT_THAT(ReadCheckpointState(FileSystem::System(), path),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  std::ofstream(path) << kText;
  ASSERT_OK_AND_ASSIGN(const auto state, ReadCheckpointState(FileSystem::System(), path));
  EXPECT_EQ(state.model_checkpoint_path(), "ckpt-3");
  std::ofstream(path) << "garbage";
  EXPECT_THAT(ReadCheckpointState(FileSystem::System(), path),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)));
}

TEST(TimestampTest, TextAndNumberLoseNothing) {
  for (const double timestamp : {1700000000.2500002, 0.0, -1.5, 1e-300, 253402300799.0}) {
    EXPECT_THAT(ParseTimestamp(PrintTimestamp(timestamp)), IsOkAndHolds(timestamp));
  }
  for (const char* bad : {"", "soon", "1.5 2", "nan", "inf", "1e999"}) {
    EXPECT_THAT(ParseTimestamp(bad), HasReason(ErrorReason::ERROR_REASON_BAD_FILE)) << bad;
  }
}

TEST(RecordedNameTest, IsTheLastPart) {
  EXPECT_EQ(RecordedName("/gone/b/ckpt-7"), "ckpt-7");
  EXPECT_EQ(RecordedName("ckpt-7"), "ckpt-7");
  EXPECT_EQ(RecordedName("a/"), "");
}

TEST(PrefixBesideStateTest, LooksBesideTheStateFile) {
  EXPECT_EQ(PrefixBesideState("runs/a/checkpoint", "/gone/b/ckpt-7"), "runs/a/ckpt-7");
  EXPECT_EQ(PrefixBesideState("checkpoint", "ckpt-7"), "ckpt-7");
  EXPECT_EQ(PrefixBesideState("/checkpoint", "a/../ckpt-7"), "/ckpt-7");
}

}  // namespace
}  // namespace cairn
