// `cairn import` and `cairn export` against a directory in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/command.h"
#include "client/cli/fake_directory.h"
#include "client/cli/results.h"
#include "client/cli/usage_error.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/bundle_writer.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FolderCommandTest : public ::testing::Test {
 protected:
  FolderCommandTest() {
    std::filesystem::remove_all(scratch_);
    std::filesystem::create_directories(scratch_ / "run");
  }

  std::string Path(const std::string& name) const { return (scratch_ / name).string(); }
  // A checkpoint whose one tensor holds `content`, written at `seconds`.
  void Add(const std::string& name, const std::string& content, int64_t seconds = 1000) {
    FileSystem* files = FileSystem::System();
    const auto bytes = static_cast<int64_t>(content.size());
    const std::vector<PlannedTensor> tensors = {PlannedWhole("w", "uint8", {bytes}, bytes)};
    ASSERT_OK_AND_ASSIGN(
        auto writer, BundleWriter::Create(files, Path("run/" + name), tensors, {.force = true}));
    ASSERT_OK(writer->WriteAt({0, 0}, 0, content));
    writer->SetCrc32c({0, 0}, Crc32c(content));
    ASSERT_OK(writer->Finish());
    const auto past = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
    std::filesystem::last_write_time(Path("run/" + name + ".index"),
                                     past + std::chrono::seconds(seconds));
  }
  void SetState(const std::string& text) { std::ofstream(Path("run/checkpoint")) << text; }
  // A manager's folder: ckpt-1 preserved, then ckpt-3 and ckpt-2.
  void AddManagersFolder() {
    Add("ckpt-1", "one");
    Add("ckpt-2", "two");
    Add("ckpt-3", "three");
    SetState(kState);
  }

  template <typename Arguments>
  absl::Status Run(absl::Status (*command)(const Arguments&, CommandContext&),
                   const Arguments& arguments, bool json = false, bool terminal = false) {
    results_.str("");
    errors_.str("");
    cli::Output output(results_, errors_, {.json = json, .show_progress = terminal});
    CommandContext context{Client(server_), FileSystem::System(), Clock::System(), output};
    return command(arguments, context);
  }
  absl::Status Import(bool json = false, bool skip_missing = false) {
    return Run(
        RunImportCommand,
        ImportArguments{.folder = Path("run"), .directory = "runs/a", .skip_missing = skip_missing},
        json);
  }
  absl::Status Export(bool force = false, bool json = false) {
    return Run(RunExportCommand,
               ExportArguments{.directory = "runs/a", .folder = Path("out"), .force = force}, json);
  }
  std::string Content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(Path(path)).rdbuf();
    return text.str();
  }
  std::string TensorOf(const std::string& prefix) {
    const auto reader = BundleReader::Open(FileSystem::System(), Path(prefix));
    EXPECT_OK(reader.status());
    if (!reader.ok()) return "";
    return (*reader)->ReadWhole((*reader)->tensors().front()).value_or("");
  }
  std::vector<std::string> Files(const std::string& folder) {
    return FileSystem::System()->ListFolder(Path(folder)).value_or(std::vector<std::string>());
  }

  static constexpr char kState[] =
      "model_checkpoint_path: \"ckpt-2\"\n"
      "all_model_checkpoint_paths: \"ckpt-3\"\n"
      "all_model_checkpoint_paths: \"ckpt-2\"\n"
      "all_model_checkpoint_timestamps: 1700000000.2500002\n"
      "all_model_checkpoint_timestamps: 1700000600.5\n"
      "last_preserved_timestamp: 1699999999.1\n";

  const std::filesystem::path scratch_ =
      std::filesystem::path(::testing::TempDir()) / "folder_command_test";
  const std::shared_ptr<FakeDirectory> server_ = std::make_shared<FakeDirectory>();
  std::ostringstream results_;
  std::ostringstream errors_;
};

TEST_F(FolderCommandTest, ImportPrintsOneReferenceALineInTheFoldersOrder) {
  AddManagersFolder();
  ASSERT_OK(Import());
  EXPECT_EQ(results_.str(), "runs/a@1\nruns/a@3\nruns/a@2\n");
  EXPECT_EQ(errors_.str(), "");
  ASSERT_EQ(server_->checkpoints.size(), 3u);
  EXPECT_TRUE(server_->checkpoints[0].preserved());
  EXPECT_FALSE(server_->checkpoints[1].preserved());
  EXPECT_EQ(TimeFrom(server_->checkpoints[1].save_time()), absl::FromUnixMillis(1700000000250));
  EXPECT_EQ(server_->checkpoints[1].annotations().at("tensorflow.prefix"), "ckpt-3");
  EXPECT_EQ(TimeFrom(server_->directory->last_preserved_time()),
            absl::FromUnixMillis(1699999999100));
}

TEST_F(FolderCommandTest, ImportAsJsonIsOneDocument) {
  AddManagersFolder();
  ASSERT_OK(Import(/*json=*/true));
  const Json document = Json::parse(results_.str());
  EXPECT_EQ(document["directory"], "runs/a");
  EXPECT_EQ(document["imported"].size(), 3u);
  EXPECT_EQ(document["imported"][0].dump(),
            "{\"name\":\"ckpt-1\",\"number\":1,\"uid\":\"u1\",\"reference\":\"runs/a@1\","
            "\"preserved\":true}");
  EXPECT_EQ(document["skipped"], Json::array());
  EXPECT_EQ(document["missing"], Json::array());
}

TEST_F(FolderCommandTest, ProgressSaysWhichOfHowMany) {
  AddManagersFolder();
  ASSERT_OK(Run(RunImportCommand, ImportArguments{.folder = Path("run"), .directory = "runs/a"},
                false, true));
  EXPECT_THAT(errors_.str(), HasSubstr("importing ckpt-3, 2 of 3  5 B of 5 B"));
}

TEST_F(FolderCommandTest, ImportOfAnUnchangedFolderDoesNothingAndSaysSo) {
  AddManagersFolder();
  ASSERT_OK(Import());
  EXPECT_CALL(*server_, CreateSaveSession).Times(0);
  EXPECT_CALL(*server_, UpdateDirectory).Times(0);
  ASSERT_OK(Import());
  EXPECT_EQ(results_.str(), "");
  EXPECT_EQ(errors_.str(), "nothing to import: all 3 checkpoints of the folder are there\n");
}

TEST_F(FolderCommandTest, AnInterruptedImportGoesOnAtOnceThoughItsSessionIsOpenStill) {
  AddManagersFolder();
  server_->commits_until_crash = 1;
  EXPECT_THAT(Import(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("run/ckpt-3")));
  EXPECT_EQ(results_.str(), "runs/a@1\n");
  EXPECT_EQ(server_->sessions.size(), 1u);
  server_->commits_until_crash = -1;
  ASSERT_OK(Import(/*json=*/true));
  EXPECT_EQ(Json::parse(results_.str())["skipped"], Json({"ckpt-1"}));
  EXPECT_EQ(server_->checkpoints.size(), 3u);
  EXPECT_THAT(server_->sessions, IsEmpty());
}

TEST_F(FolderCommandTest, SessionsOfOthersAreLeftAlone) {
  AddManagersFolder();
  server_->commits_until_crash = 1;
  EXPECT_FALSE(Import().ok());
  server_->commits_until_crash = -1;
  v1::SaveSession trainer = server_->sessions.begin()->second;
  server_->sessions.clear();
  trainer.set_session("trainer");
  server_->sessions["trainer"] = trainer;
  EXPECT_THAT(Import(), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
  EXPECT_EQ(server_->sessions.count("trainer"), 1u);
}

TEST_F(FolderCommandTest, AFolderThatGainedACheckpointIsContinued) {
  AddManagersFolder();
  ASSERT_OK(Import());
  Add("ckpt-4", "four");
  SetState(
      "model_checkpoint_path: \"ckpt-4\" all_model_checkpoint_paths: \"ckpt-2\" "
      "all_model_checkpoint_paths: \"ckpt-4\" all_model_checkpoint_timestamps: 1700000600.5 "
      "all_model_checkpoint_timestamps: 1700001200.5 last_preserved_timestamp: 1700000000.2500002");
  ASSERT_OK(Import());
  EXPECT_EQ(results_.str(), "runs/a@4\n");
  EXPECT_EQ(server_->directory->annotations().at("tensorflow.last_preserved_timestamp"),
            "1700000000.2500002");
}

TEST_F(FolderCommandTest, MissingCheckpointsAreAllNamedBeforeAnythingIsSaved) {
  Add("ckpt-2", "two");
  SetState(
      "model_checkpoint_path: \"/x/ckpt-3\" all_model_checkpoint_paths: \"/x/ckpt-1\" "
      "all_model_checkpoint_paths: \"/x/ckpt-2\" all_model_checkpoint_paths: \"/x/ckpt-3\"");
  EXPECT_CALL(*server_, CreateDirectory).Times(0);
  EXPECT_CALL(*server_, CreateSaveSession).Times(0);
  EXPECT_THAT(Import(), StatusIs(absl::StatusCode::kNotFound,
                                 HasSubstr("ckpt-1, ckpt-3; put it beside the state file or give "
                                           "--skip-missing")));
}

TEST_F(FolderCommandTest, SkipMissingTakesWhatIsThereAndSaysWhatIsNot) {
  Add("ckpt-2", "two");
  SetState(
      "model_checkpoint_path: \"ckpt-3\" all_model_checkpoint_paths: \"ckpt-2\" "
      "all_model_checkpoint_paths: \"ckpt-3\"");
  ASSERT_OK(Import(/*json=*/false, /*skip_missing=*/true));
  EXPECT_EQ(results_.str(), "runs/a@2\n");
  EXPECT_EQ(errors_.str(), "left out, not in the folder: ckpt-3\n");
  ASSERT_OK(Import(/*json=*/true, /*skip_missing=*/true));
  EXPECT_EQ(Json::parse(results_.str())["missing"], Json({"ckpt-3"}));
}

TEST_F(FolderCommandTest, AFolderWithoutCheckpointsIsAnError) {
  EXPECT_THAT(Import(), StatusIs(absl::StatusCode::kNotFound,
                                 HasSubstr("it holds no TensorFlow checkpoint")));
  EXPECT_FALSE(server_->directory.has_value());
}

TEST_F(FolderCommandTest, ALaterTimeOfPreservationIsKeptAndADefaultOneIsNot) {
  AddManagersFolder();
  ASSERT_OK(Import());
  *server_->directory->mutable_last_preserved_time() =
      TimestampFrom(absl::FromUnixSeconds(1800000000));
  ASSERT_OK(Import());
  EXPECT_EQ(server_->directory->last_preserved_time().seconds(), 1800000000);
  *server_->directory->mutable_create_time() = TimestampFrom(absl::FromUnixSeconds(1800000001));
  ASSERT_OK(Import());
  EXPECT_EQ(server_->directory->last_preserved_time().seconds(), 1699999999);
}

TEST_F(FolderCommandTest, ExportGivesTheFolderBack) {
  AddManagersFolder();
  ASSERT_OK(Import());
  ASSERT_OK(Export());
  EXPECT_EQ(results_.str(), absl::StrCat(Path("out/ckpt-1"), "\n", Path("out/ckpt-3"), "\n",
                                         Path("out/ckpt-2"), "\n"));
  EXPECT_EQ(Content("out/checkpoint"), kState);
  EXPECT_THAT(Files("out"), ElementsAre("checkpoint", "ckpt-1.data-00000-of-00001", "ckpt-1.index",
                                        "ckpt-2.data-00000-of-00001", "ckpt-2.index",
                                        "ckpt-3.data-00000-of-00001", "ckpt-3.index"));
  EXPECT_EQ(TensorOf("out/ckpt-1"), "one");
  EXPECT_EQ(TensorOf("out/ckpt-3"), "three");
}

TEST_F(FolderCommandTest, ExportAsJsonIsOneDocument) {
  AddManagersFolder();
  ASSERT_OK(Import());
  ASSERT_OK(Export(/*force=*/false, /*json=*/true));
  const Json document = Json::parse(results_.str());
  EXPECT_EQ(document["directory"], "runs/a");
  EXPECT_EQ(document["folder"], Path("out"));
  ASSERT_EQ(document["exported"].size(), 3u);
  EXPECT_EQ(document["exported"][0]["name"], "ckpt-1");
  EXPECT_EQ(document["exported"][0]["preserved"], true);
  EXPECT_EQ(document["exported"][1]["reference"], "runs/a@3");
  EXPECT_EQ(document["skipped"], Json::array());
}

TEST_F(FolderCommandTest, AnInterruptedExportLooksUnfinishedAndGoesOn) {
  AddManagersFolder();
  ASSERT_OK(Import());
  const std::vector<v1::Checkpoint> all = server_->checkpoints;
  EXPECT_CALL(*server_, OpenRestore)
      .WillOnce(::testing::DoDefault())
      .WillOnce(::testing::Return(absl::UnavailableError("gone")))
      .WillRepeatedly(::testing::DoDefault());
  EXPECT_FALSE(Export().ok());
  EXPECT_THAT(Files("out"),
              ElementsAre(".cairn-export", "ckpt-1.data-00000-of-00001", "ckpt-1.index"));
  // As a killed one leaves them.
  const std::string uid(32, 'a');
  std::ofstream(Path("out/ckpt-3.index." + uid + ".tmp")) << "half";
  std::ofstream(Path("out/ckpt-3.data-00000-of-00001")) << "half";
  std::ofstream(Path("out/.cairn-export." + uid + ".tmp")) << "half";
  std::ofstream(Path("out/.checkpoint-" + uid)) << "half";
  std::ofstream(Path("out/mine.tmp")) << "not ours";
  ASSERT_OK(Export(/*force=*/false, /*json=*/true));
  EXPECT_EQ(Json::parse(results_.str())["skipped"], Json({"ckpt-1"}));
  EXPECT_EQ(Content("out/checkpoint"), kState);
  EXPECT_EQ(TensorOf("out/ckpt-3"), "three");
  EXPECT_EQ(Files("out").size(), 8u) << "7 of the folder, and mine.tmp";
}

TEST_F(FolderCommandTest, ExportReplacesOnlyByForce) {
  AddManagersFolder();
  ASSERT_OK(Import());
  std::filesystem::create_directories(Path("out"));
  std::ofstream(Path("out/ckpt-2.index")) << "mine";
  EXPECT_THAT(Export(),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("has ckpt-2.index; ")));
  EXPECT_THAT(Files("out"), ElementsAre("ckpt-2.index"));
  ASSERT_OK(Export(/*force=*/true));
  EXPECT_EQ(TensorOf("out/ckpt-2"), "two");
  EXPECT_THAT(Export(), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--force")));
  EXPECT_OK(Export(/*force=*/true));
}

TEST_F(FolderCommandTest, AStateFileOfOthersStopsAnExportThatWasInterrupted) {
  AddManagersFolder();
  ASSERT_OK(Import());
  std::filesystem::create_directories(Path("out"));
  std::ofstream(Path("out/.cairn-export")) << "cairn export of directory d1\n";
  std::ofstream(Path("out/checkpoint")) << "model_checkpoint_path: \"other\"\n";
  EXPECT_THAT(Export(), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(Content("out/checkpoint"), "model_checkpoint_path: \"other\"\n");
}

TEST_F(FolderCommandTest, AnExportThatOnlyLacksItsEndIsEnded) {
  AddManagersFolder();
  ASSERT_OK(Import());
  ASSERT_OK(Export());
  std::ofstream(Path("out/.cairn-export")) << "cairn export of directory d1\n";
  ASSERT_OK(Export());
  EXPECT_EQ(Files("out").size(), 7u);
}

TEST_F(FolderCommandTest, AnEmptyDirectoryIsNotExported) {
  server_->directory.emplace().set_directory("runs/a");
  EXPECT_THAT(Export(), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
}

TEST_F(FolderCommandTest, ArgumentsOfAWrongFormAreWrongUsage) {
  EXPECT_EQ(ExitStatus(Run(RunImportCommand,
                           ImportArguments{.folder = Path("run"), .directory = "runs/a@7"})),
            kExitWrongUsage);
  EXPECT_EQ(ExitStatus(Run(RunExportCommand, ExportArguments{.directory = "runs/a", .folder = ""})),
            kExitWrongUsage);
}

}  // namespace
}  // namespace cairn::cli
