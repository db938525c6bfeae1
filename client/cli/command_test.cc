// The commands against a server in memory, with checkpoints that TensorFlow wrote.

#include "client/cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/fake_server.h"
#include "client/cli/usage_error.h"
#include "formats/object_graph/object_graph.h"
#include "formats/tensor_bundle/bundle_reader.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kAdam[] = "tests/golden/keras_adam/ckpt-10";
constexpr char kBias[] = "model/l1/bias/.ATTRIBUTES/VARIABLE_VALUE";

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() { std::filesystem::remove_all(folder_); }

  std::string Output(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(folder_)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  template <typename Arguments>
  absl::Status Run(absl::Status (*command)(const Arguments&, CommandContext&),
                   const Arguments& arguments, bool json = false) {
    results_.str("");
    cli::Output output(results_, errors_, {.json = json});
    CommandContext context{Client(server_), FileSystem::System(), Clock::System(), output};
    return command(arguments, context);
  }
  // Into files of that name in the folder of the test.
  RestoreArguments Restoring(const std::string& reference, const std::string& name,
                             std::vector<std::string> prefixes = {},
                             std::vector<std::string> keys = {}) const {
    return {reference, Output(name), std::move(prefixes), std::move(keys)};
  }
  Json Document() const { return Json::parse(results_.str()); }
  void SaveAdam() {
    ASSERT_OK(
        Run(RunSaveCommand, SaveArguments{.prefix = kAdam, .directory = "runs/a", .number = {}}));
  }
  // Every tensor of two TensorFlow checkpoints, those in `expected` alone.
  static void ExpectSameTensors(const std::string& actual, const std::string& expected) {
    ASSERT_OK_AND_ASSIGN(const auto a, BundleReader::Open(FileSystem::System(), actual));
    ASSERT_OK_AND_ASSIGN(const auto b, BundleReader::Open(FileSystem::System(), expected));
    ASSERT_EQ(a->tensors().size(), b->tensors().size());
    for (const BundleTensor& tensor : b->tensors()) {
      const BundleTensor* other = a->Find(tensor.key);
      ASSERT_NE(other, nullptr) << tensor.key;
      EXPECT_EQ(other->dtype, tensor.dtype) << tensor.key;
      EXPECT_EQ(other->shape, tensor.shape) << tensor.key;
      ASSERT_EQ(other->slices.size(), tensor.slices.size()) << tensor.key;
      for (size_t i = 0; i < tensor.slices.size(); ++i) {
        EXPECT_EQ(other->slices[i].box, tensor.slices[i].box) << tensor.key;
        EXPECT_EQ(other->slices[i].crc32c, tensor.slices[i].crc32c) << tensor.key;
        ASSERT_OK_AND_ASSIGN(const std::string bytes, a->ReadWhole(*other, other->slices[i]));
        EXPECT_THAT(b->ReadWhole(tensor, tensor.slices[i]), IsOkAndHolds(bytes)) << tensor.key;
      }
    }
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / "command_test";
  const std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
  std::ostringstream results_;
  std::ostringstream errors_;
};

TEST_F(CommandTest, SavePrintsTheReferenceAndKeepsTheNumberAndTheName) {
  SaveAdam();
  EXPECT_EQ(results_.str(), "runs/a@10\n");
  EXPECT_EQ(server_->checkpoint->annotations().at("tensorflow.prefix"), "ckpt-10");
}

TEST_F(CommandTest, SaveAsJsonHasItsFields) {
  ASSERT_OK(Run(RunSaveCommand, SaveArguments{.prefix = kAdam, .directory = "runs/a", .number = 3},
                true));
  const Json document = Document();
  EXPECT_EQ(document["directory"], "runs/a");
  EXPECT_EQ(document["number"], 3);
  EXPECT_EQ(document["uid"], server_->checkpoint->uid());
  EXPECT_EQ(document["reference"], "runs/a@3");
  EXPECT_EQ(document["tensors"], 16);
  EXPECT_EQ(document["bytes"], server_->checkpoint->logical_bytes());
  EXPECT_EQ(document["bytes_sent"], server_->checkpoint->logical_bytes());
  EXPECT_EQ(document["bytes_stored"], 0);
}

TEST_F(CommandTest, SaveRefusesANegativeNumber) {
  EXPECT_EQ(ExitStatus(Run(RunSaveCommand,
                           SaveArguments{.prefix = kAdam, .directory = "runs/a", .number = -1})),
            kExitWrongUsage);
}

TEST_F(CommandTest, WhatTensorFlowWroteComesBackTheSame) {
  for (const std::string name :
       {"keras_adam/ckpt-10", "dtypes/all", "strings/all", "odd_names/all", "shards/model-7",
        "partitioned/model.ckpt-3", "slices/all", "version_one/same-1000"}) {
    SCOPED_TRACE(name);
    const std::string original = "tests/golden/" + name;
    ASSERT_OK(Run(RunSaveCommand,
                  SaveArguments{.prefix = original, .directory = "runs/a", .number = {}}));
    RestoreArguments arguments = Restoring("runs/a@latest", "ckpt");
    arguments.force = true;
    for (const int shards : {1, 5}) {
      arguments.shards = shards;
      ASSERT_OK(Run(RunRestoreCommand, arguments));
      ExpectSameTensors(Output("ckpt"), original);
    }
  }
}

TEST_F(CommandTest, RestoreWritesAStateFileThatNamesThePrefixAlone) {
  SaveAdam();
  for (const std::string name : {"first", "second"}) {
    ASSERT_OK(Run(RunRestoreCommand, Restoring("runs/a@10", name)));
  }
  std::ostringstream state;
  state << std::ifstream(folder_ / "checkpoint").rdbuf();
  EXPECT_EQ(state.str(),
            "model_checkpoint_path: \"second\"\nall_model_checkpoint_paths: \"second\"\n");
  EXPECT_THAT(Files(), ElementsAre("checkpoint", "first.data-00000-of-00001", "first.index",
                                   "second.data-00000-of-00001", "second.index"));
}

TEST_F(CommandTest, APartComesWithAnObjectGraphThatNamesNothingElse) {
  SaveAdam();
  ASSERT_OK(Run(RunRestoreCommand, Restoring("runs/a@10", "part", {"model/l2/"}, {kBias}), true));
  EXPECT_EQ(Document()["tensors"], 4);
  ASSERT_OK_AND_ASSIGN(const auto part, BundleReader::Open(FileSystem::System(), Output("part")));
  ASSERT_EQ(part->tensors().size(), 4);
  ASSERT_OK_AND_ASSIGN(const std::string graph, part->ReadWhole(*part->Find(kObjectGraphKey)));
  EXPECT_THAT(graph, HasSubstr(kBias));
  EXPECT_THAT(graph, HasSubstr("model/l2/"));
  EXPECT_EQ(graph.find("optimizer/_learning_rate/.ATTRIBUTES"), std::string::npos);
}

TEST_F(CommandTest, ASelectorThatMatchesNothingFailsTheWholeRestore) {
  SaveAdam();
  EXPECT_THAT(Run(RunRestoreCommand, Restoring("runs/a@10", "part", {"model"}, {"zebra"})),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("zebra")));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CommandTest, ARestoreThatBreaksLeavesNoFile) {
  SaveAdam();
  int streams = 0;
  ON_CALL(*server_, DownloadSlices).WillByDefault([&](int, const auto&) {
    ++streams;
    auto broken = std::make_unique<::testing::NiceMock<MockDownloadStream>>();
    ON_CALL(*broken, Read).WillByDefault([](auto*, auto*) -> absl::StatusOr<bool> {
      return absl::DataLossError("damaged");
    });
    return broken;
  });
  EXPECT_THAT(Run(RunRestoreCommand, Restoring("runs/a@10", "ckpt")),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_GT(streams, 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CommandTest, FilesAreReplacedOnlyByForce) {
  SaveAdam();
  RestoreArguments arguments = Restoring("runs/a@10", "ckpt");
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  EXPECT_THAT(Run(RunRestoreCommand, arguments),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--force")));
  arguments.force = true;
  EXPECT_OK(Run(RunRestoreCommand, arguments));
}

TEST_F(CommandTest, AnOutputWithoutANameIsWrongUsage) {
  SaveAdam();
  EXPECT_EQ(ExitStatus(Run(RunRestoreCommand, Restoring("runs/a@10", ""))), kExitWrongUsage);
}

TEST_F(CommandTest, DataFilesAreAsManyAsAskedFor) {
  server_->AddSlices("p", "uint8", {6}, {{{{0}, {2}}, "ab"}, {{{2}, {4}}, "cdef"}});
  server_->AddTensor("w", "uint8", {3}, "ghi");
  server_->SetCheckpoint();
  RestoreArguments arguments = Restoring("runs/a@7", "two");
  arguments.shards = 2;
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  arguments = Restoring("runs/a@7", "three");
  arguments.max_shard_bytes = 4;
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  EXPECT_THAT(Files(),
              ElementsAre("checkpoint", "three.data-00000-of-00003", "three.data-00001-of-00003",
                          "three.data-00002-of-00003", "three.index", "two.data-00000-of-00002",
                          "two.data-00001-of-00002", "two.index"));
}

TEST_F(CommandTest, DataFilesThatMeanNothingAreWrongUsage) {
  server_->AddTensor("w", "uint8", {3}, "ghi");
  server_->SetCheckpoint();
  for (const auto& [shards, max_shard_bytes] :
       std::vector<std::pair<std::optional<int>, std::optional<int64_t>>>{
           {0, {}}, {-1, {}}, {{}, 0}, {2, 100}}) {
    RestoreArguments arguments = Restoring("runs/a@7", "ckpt");
    arguments.shards = shards;
    arguments.max_shard_bytes = max_shard_bytes;
    EXPECT_EQ(ExitStatus(Run(RunRestoreCommand, arguments)), kExitWrongUsage);
  }
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CommandTest, WhatTensorFlowLacksIsLeftOutWhenAskedFor) {
  server_->AddTensor("scale", "float8_e8m0fnu", {1}, "a");
  server_->AddTensor("w", "uint8", {1}, "b");
  server_->SetCheckpoint();
  RestoreArguments arguments = Restoring("runs/a@7", "ckpt");
  EXPECT_THAT(Run(RunRestoreCommand, arguments),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("scale")));
  EXPECT_THAT(Files(), IsEmpty());
  arguments.skip_unsupported = true;
  ASSERT_OK(Run(RunRestoreCommand, arguments));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), Output("ckpt")));
  ASSERT_EQ(reader->tensors().size(), 1);
  EXPECT_EQ(reader->tensors()[0].key, "w");
}

TEST_F(CommandTest, AnOpaqueDtypeOfTensorFlowsGoesBackAsItsNumber) {
  server_->AddTensor("quantised", "tf:11", {3}, "abc");
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunRestoreCommand, Restoring("runs/a@7", "ckpt")));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(FileSystem::System(), Output("ckpt")));
  ASSERT_EQ(reader->tensors().size(), 1);
  EXPECT_EQ(reader->tensors()[0].dtype, "tf:11");
  EXPECT_THAT(reader->ReadWhole(reader->tensors()[0]), IsOkAndHolds("abc"));
}

TEST_F(CommandTest, ShowIsInKeyOrderAndUnitesPrefixes) {
  SaveAdam();
  ASSERT_OK(
      Run(RunShowCommand,
          ShowArguments{.reference = "runs/a", .prefixes = {"save_counter", "model/l1/", "model"}},
          true));
  const Json document = Document();
  std::vector<std::string> keys;
  for (const Json& tensor : document["tensors"]) keys.push_back(tensor["key"]);
  EXPECT_THAT(keys, ElementsAre("model/l1/_kernel/.ATTRIBUTES/VARIABLE_VALUE", kBias,
                                "model/l2/_kernel/.ATTRIBUTES/VARIABLE_VALUE",
                                "model/l2/bias/.ATTRIBUTES/VARIABLE_VALUE",
                                "save_counter/.ATTRIBUTES/VARIABLE_VALUE"));
  EXPECT_EQ(document["tensors"][0]["shape"], Json({8, 16}));
  EXPECT_EQ(document["tensors"][0]["bytes"], 512);
}

TEST_F(CommandTest, ObjectsAreShownAndRestoredBesidePrefixesAndKeys) {
  SaveAdam();
  const std::string kernel = "model/l2/_kernel/.ATTRIBUTES/VARIABLE_VALUE";
  server_->objects["model/l2"] = {kernel, "model/l2/bias/.ATTRIBUTES/VARIABLE_VALUE"};
  server_->objects["a\\x0ab"] = {kBias};  // as text, like a key
  ASSERT_OK(Run(
      RunShowCommand,
      ShowArguments{
          .reference = "runs/a", .prefixes = {"save_counter"}, .objects = {"model/l2/", "a\nb"}},
      true));
  EXPECT_EQ(Document()["tensors"].size(), 4u);

  RestoreArguments arguments = Restoring("runs/a@10", "part", {}, {kBias});
  arguments.objects = {"model/l2"};
  ASSERT_OK(Run(RunRestoreCommand, arguments, true));
  EXPECT_EQ(Document()["tensors"], 4);
  ASSERT_OK_AND_ASSIGN(const auto part, BundleReader::Open(FileSystem::System(), Output("part")));
  ASSERT_OK_AND_ASSIGN(const std::string graph, part->ReadWhole(*part->Find(kObjectGraphKey)));
  EXPECT_NE(part->Find(kernel), nullptr);
  EXPECT_THAT(graph, HasSubstr(kernel));
  EXPECT_EQ(graph.find("optimizer/_learning_rate/.ATTRIBUTES"), std::string::npos);

  arguments = Restoring("runs/a@10", "none");
  arguments.objects = {"model/l3"};
  EXPECT_THAT(Run(RunRestoreCommand, arguments),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model/l3")));
}

TEST_F(CommandTest, AServerThatKnowsNoObjectsIsNotAskedForThem) {
  SaveAdam();
  ON_CALL(*server_, GetServerInfo).WillByDefault([](const auto&) { return v1::ServerInfo(); });
  EXPECT_CALL(*server_, ListTensors).Times(0);
  EXPECT_CALL(*server_, OpenRestore).Times(0);
  RestoreArguments arguments = Restoring("runs/a@10", "none");
  arguments.objects = {"model/l2"};
  EXPECT_THAT(Run(RunRestoreCommand, arguments), HasReason(ErrorReason::ERROR_REASON_NOT_YET));
  EXPECT_THAT(Run(RunShowCommand,
                  ShowArguments{.reference = "runs/a", .prefixes = {}, .objects = {"model/l2"}}),
              HasReason(ErrorReason::ERROR_REASON_NOT_YET));
}

TEST_F(CommandTest, ShowPreviewsValues) {
  server_->AddTensor("w", "float32", {2}, std::string(8, 'x'));
  server_->SetCheckpoint();
  ON_CALL(*server_, PreviewTensor).WillByDefault([](const v1::PreviewTensorRequest& request) {
    EXPECT_EQ(request.checkpoint(), "uid:0123456789abcdef0123456789abcdef");
    v1::PreviewTensorResponse preview;
    preview.add_texts("1.5");
    preview.add_texts(std::string(100, '7'));
    preview.set_element_count(2);
    return preview;
  });
  ASSERT_OK(
      Run(RunShowCommand, ShowArguments{.reference = "runs/a@7", .prefixes = {}, .values = true}));
  EXPECT_THAT(results_.str(), HasSubstr("1.5 ...\n"));
}

TEST_F(CommandTest, ListsAreEmptyOnAnEmptyServer) {
  ON_CALL(*server_, ListDirectories).WillByDefault([](const auto&) {
    return v1::ListDirectoriesResponse();
  });
  ASSERT_OK(Run(RunListCommand, ListArguments{}));
  EXPECT_EQ(results_.str(), "");
  ASSERT_OK(Run(RunListCommand, ListArguments{}, true));
  EXPECT_EQ(results_.str(), "{\"directories\":[]}\n");
}

TEST_F(CommandTest, ListsTellDirectoriesAndCheckpoints) {
  ON_CALL(*server_, ListDirectories).WillByDefault([](const auto&) {
    v1::ListDirectoriesResponse response;
    response.add_directories()->set_directory("empty");
    v1::Directory* used = response.add_directories();
    used->set_directory("runs/a");
    used->set_checkpoint_count(2);
    used->set_latest_number(7);
    return response;
  });
  ASSERT_OK(Run(RunListCommand, ListArguments{}, true));
  EXPECT_EQ(results_.str(),
            "{\"directories\":[{\"directory\":\"empty\",\"checkpoints\":0,\"latest\":null},"
            "{\"directory\":\"runs/a\",\"checkpoints\":2,\"latest\":7}]}\n");

  server_->SetCheckpoint();
  server_->checkpoint->add_tags("prod");
  server_->checkpoint->set_preserved(true);
  ON_CALL(*server_, ListCheckpoints).WillByDefault([this](const auto&) {
    v1::ListCheckpointsResponse response;
    *response.add_checkpoints() = *server_->checkpoint;
    return response;
  });
  ASSERT_OK(Run(RunListCommand, ListArguments{.directory = "runs/a"}, true));
  EXPECT_EQ(results_.str(),
            "{\"directory\":\"runs/a\",\"checkpoints\":[{\"number\":7,"
            "\"uid\":\"0123456789abcdef0123456789abcdef\",\"reference\":\"runs/a@7\","
            "\"commit_time\":\"2023-11-14T22:13:20Z\",\"save_time\":\"1970-01-01T00:00:00Z\","
            "\"preserved\":true,\"tensors\":0,\"bytes\":0,"
            "\"tags\":[\"prod\"]}]}\n");
}

TEST_F(CommandTest, LatestPrintsTheReferenceAlone) {
  server_->SetCheckpoint();
  ASSERT_OK(Run(RunLatestCommand, LatestArguments{.directory = "runs/a"}));
  EXPECT_EQ(results_.str(), "runs/a@7\n");
  EXPECT_THAT(Run(RunLatestCommand, LatestArguments{.directory = "runs/b"}),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
}

TEST_F(CommandTest, RemoveDeletesByNumberAndAsksNobodyOtherwise) {
  EXPECT_CALL(*server_, DeleteCheckpoint).WillOnce([](const v1::DeleteCheckpointRequest& request) {
    EXPECT_EQ(request.directory(), "runs/a");
    EXPECT_EQ(request.checkpoint(), "7");
    return v1::Checkpoint();
  });
  ASSERT_OK(Run(RunRemoveCommand, RemoveArguments{.reference = "runs/a@7"}));
  EXPECT_EQ(results_.str(), "");
  EXPECT_EQ(ExitStatus(Run(RunRemoveCommand, RemoveArguments{.reference = "runs/a@latest"})),
            kExitWrongUsage);
}

}  // namespace
}  // namespace cairn::cli
