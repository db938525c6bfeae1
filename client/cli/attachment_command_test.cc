// What the commands do with attachments, against a server in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/command.h"
#include "client/cli/fake_server.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSavedModel[] = "tests/golden/saved_model";

class AttachmentCommandTest : public ::testing::Test {
 protected:
  AttachmentCommandTest() { std::filesystem::remove_all(folder_); }

  template <typename Arguments>
  absl::Status Run(absl::Status (*command)(const Arguments&, CommandContext&),
                   const Arguments& arguments, bool json = false) {
    results_.str("");
    cli::Output output(results_, errors_, {.json = json});
    CommandContext context{Client(server_), FileSystem::System(), Clock::System(), output};
    return command(arguments, context);
  }
  Json Document() const { return Json::parse(results_.str()); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  RestoreArguments SavedModelInto(const std::string& name) const {
    RestoreArguments arguments;
    arguments.reference = "runs/a";
    arguments.output = Path(name);
    arguments.saved_model = true;
    return arguments;
  }
  static SaveArguments Saving(const std::string& path) {
    return {.prefix = path, .directory = "runs/a", .number = {}};
  }
  // Every file below `folder`, by its path there.
  static std::map<std::string, std::string> FilesIn(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(folder)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path().lexically_relative(folder).string()] =
          std::string(std::istreambuf_iterator<char>(in), {});
    }
    return files;
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / "attachment_command_test";
  const std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
  std::ostringstream results_;
  std::ostringstream errors_;
};

TEST_F(AttachmentCommandTest, ASavedModelComesBackTheSame) {
  ASSERT_OK(Run(RunSaveCommand, Saving(kSavedModel), true));
  EXPECT_EQ(Document()["attachments"], 2);
  EXPECT_EQ(Document()["tensors"], server_->tensors.size());
  ASSERT_OK(Run(RunRestoreCommand, SavedModelInto("model"), true));
  EXPECT_EQ(Document()["attachments"], 2);
  EXPECT_EQ(Document()["tensors"], server_->tensors.size());
  const auto restored = FilesIn(folder_ / "model");
  for (const auto& [name, content] : FilesIn(kSavedModel)) {
    ASSERT_TRUE(restored.contains(name)) << name;
    if (name.find("variables/") != std::string::npos) continue;
    EXPECT_EQ(restored.at(name), content) << name;
  }
  EXPECT_EQ(restored.size(), FilesIn(kSavedModel).size());
}

TEST_F(AttachmentCommandTest, WithoutTheFlagItsVariablesAreAnOrdinaryCheckpoint) {
  ASSERT_OK(Run(RunSaveCommand, Saving(kSavedModel)));
  RestoreArguments arguments = SavedModelInto("ckpt");
  arguments.saved_model = false;
  ASSERT_OK(Run(RunRestoreCommand, arguments, true));
  EXPECT_EQ(Document()["attachments"], 0);
  EXPECT_TRUE(std::filesystem::exists(Path("ckpt.index")));
  EXPECT_THAT(errors_.str(), HasSubstr("2 attachments are left out; --saved-model"));
}

TEST_F(AttachmentCommandTest, ASavedModelIsRestoredWhole) {
  ASSERT_OK(Run(RunSaveCommand, Saving(kSavedModel)));
  for (int selector = 0; selector < 3; ++selector) {
    RestoreArguments arguments = SavedModelInto("model");
    (selector == 0   ? arguments.prefixes
     : selector == 1 ? arguments.keys
                     : arguments.objects) = {"w"};
    EXPECT_EQ(ExitStatus(Run(RunRestoreCommand, arguments)), kExitWrongUsage) << selector;
  }
  EXPECT_THAT(FilesIn(folder_), IsEmpty());
}

TEST_F(AttachmentCommandTest, WhatIsNoSavedModelIsNotRestoredAsOne) {
  server_->AddTensor("w", "float32", {1}, "abcd");
  server_->AddAttachment("config.json", "{}");
  server_->SetCheckpoint();
  EXPECT_THAT(Run(RunRestoreCommand, SavedModelInto("model")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("saved_model.pb")));
  EXPECT_THAT(FilesIn(folder_), IsEmpty());
}

TEST_F(AttachmentCommandTest, ANameThatLeavesTheFolderIsRefusedAndNothingWritten) {
  server_->AddTensor("w", "float32", {1}, "abcd");
  server_->AddAttachment("saved_model.pb", "graph");
  server_->AddAttachment("assets/../../evil", "evil");
  server_->SetCheckpoint();
  EXPECT_THAT(Run(RunRestoreCommand, SavedModelInto("model")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("assets/../../evil")));
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(AttachmentCommandTest, AFolderThatIsThereNeedsForce) {
  ASSERT_OK(Run(RunSaveCommand, Saving(kSavedModel)));
  RestoreArguments arguments = SavedModelInto("model");
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  EXPECT_THAT(Run(RunRestoreCommand, arguments),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--force")));
  arguments.force = true;
  EXPECT_OK(Run(RunRestoreCommand, arguments));
}

TEST_F(AttachmentCommandTest, ShowListsAttachmentsAfterTheTensors) {
  server_->AddTensor("w", "float32", {1}, "abcd");
  server_->AddAttachment("assets/vocab.txt", "a b");
  server_->AddAttachment("saved_model.pb", std::string(5, 'x'));
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunShowCommand, ShowArguments{.reference = "runs/a", .prefixes = {}}));
  EXPECT_EQ(results_.str(),
            "KEY  DTYPE    SHAPE  BYTES\n"
            "w    float32  [1]        4\n"
            "\n"
            "ATTACHMENT        BYTES\n"
            "assets/vocab.txt      3\n"
            "saved_model.pb        5\n");
  ASSERT_OK(Run(RunShowCommand, ShowArguments{.reference = "runs/a", .prefixes = {}}, true));
  EXPECT_EQ(Document()["attachments"], Json::parse(R"([{"name": "assets/vocab.txt", "bytes": 3},
                                                       {"name": "saved_model.pb", "bytes": 5}])"));
}

TEST_F(AttachmentCommandTest, ShowOfAPartOrWithoutAttachmentsHasNoTableOfThem) {
  server_->AddTensor("w", "float32", {1}, "abcd");
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunShowCommand, ShowArguments{.reference = "runs/a", .prefixes = {}}));
  EXPECT_EQ(results_.str().find("ATTACHMENT"), std::string::npos);
  ASSERT_OK(Run(RunShowCommand, ShowArguments{.reference = "runs/a", .prefixes = {}}, true));
  EXPECT_EQ(Document()["attachments"], Json::array());
  server_->AddAttachment("graph", "x");
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunShowCommand, ShowArguments{.reference = "runs/a", .prefixes = {"w"}}, true));
  EXPECT_FALSE(Document().contains("attachments"));
}

TEST_F(AttachmentCommandTest, CatPrintsExactlyTheBytes) {
  const std::string bytes("a\0b\n\xff", 5);
  server_->AddAttachment("graph\\xff", bytes);
  server_->AddAttachment("nothing", "");
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunCatCommand, CatArguments{"runs/a@7", "graph\xff"}));
  EXPECT_EQ(results_.str(), bytes);
  ASSERT_OK(Run(RunCatCommand, CatArguments{"runs/a@7", "nothing"}));
  EXPECT_EQ(results_.str(), "");
  ASSERT_OK(Run(RunCatCommand, CatArguments{"runs/a@7", "graph\\xff"}, true));
  EXPECT_EQ(results_.str(),
            "{\"reference\":\"runs/a@7\",\"name\":\"graph\\\\xff\",\"bytes\":5,"
            "\"content\":\"YQBiCv8=\"}\n");
}

TEST_F(AttachmentCommandTest, CatNamesTheAttachmentsThatThereAre) {
  server_->AddTensor("w", "float32", {1}, "abcd");
  server_->SetCheckpoint();
  EXPECT_THAT(Run(RunCatCommand, CatArguments{"runs/a@7", "w"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("has none")));
  for (int i = 10; i < 40; ++i) server_->AddAttachment("file" + std::to_string(i), "");
  server_->SetCheckpoint();
  const absl::Status status = Run(RunCatCommand, CatArguments{"runs/a@7", "w"});
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("file10, file11")));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("and 10 more")));
}

TEST_F(AttachmentCommandTest, CatMakesNoDocumentThatFillsTheMemory) {
  server_->AddAttachment("huge", "x");
  server_->attachments["huge"].tensor.set_logical_bytes(int64_t{1} << 40);
  server_->SetCheckpoint();
  EXPECT_THAT(Run(RunCatCommand, CatArguments{"runs/a@7", "huge"}, true),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("without --json")));
}

TEST_F(AttachmentCommandTest, CatSaysWhenItsOutputIsGone) {
  server_->AddAttachment("graph", "bytes");
  server_->SetCheckpoint();
  results_.setstate(std::ios::badbit);
  EXPECT_THAT(Run(RunCatCommand, CatArguments{"runs/a@7", "graph"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("output")));
}

TEST_F(AttachmentCommandTest, TheGraphOfASaverGoesAlongAWholeRestore) {
  const std::filesystem::path source = folder_ / "source";
  std::filesystem::create_directories(source);
  for (const char* end :
       {".index", ".data-00000-of-00003", ".data-00001-of-00003", ".data-00002-of-00003"}) {
    std::filesystem::copy_file(std::string("tests/golden/shards/model-7") + end,
                               source / (std::string("model-7") + end));
  }
  std::ofstream(source / "model-7.meta") << "graph";
  ASSERT_OK(Run(RunSaveCommand, Saving((source / "model-7").string())));
  EXPECT_EQ(server_->attachments.at(".meta").slices.at(Box()), "graph");

  RestoreArguments arguments = SavedModelInto("whole/model-7");
  arguments.saved_model = false;
  ASSERT_OK(Run(RunRestoreCommand, arguments, true));
  EXPECT_EQ(Document()["attachments"], 1);
  EXPECT_EQ(FilesIn(folder_ / "whole").at("model-7.meta"), "graph");
  arguments.output = Path("part/model-7");
  arguments.keys = {server_->tensors.begin()->first};
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  EXPECT_FALSE(FilesIn(folder_ / "part").contains("model-7.meta"));
}

}  // namespace
}  // namespace cairn::cli
