#include "client/cli/saved_model_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/usage_error.h"
#include "formats/tensor_bundle/bundle_reader.h"
#include "formats/tensor_bundle/memory_file_system.h"

namespace cairn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

class SavedModelSinkTest : public ::testing::Test {
 protected:
  using Content = std::map<std::string, std::string>;

  absl::Status MakeSink(bool force = false) {
    std::vector<v1::Tensor> attachments;
    for (const auto& [name, bytes] : content_) {
      v1::Tensor& attachment = attachments.emplace_back();
      attachment.set_key(name);
      attachment.set_kind(v1::TENSOR_KIND_ATTACHMENT);
      attachment.set_logical_bytes(static_cast<int64_t>(bytes.size()));
    }
    BundlePlan plan;
    if (has_variables_) {
      plan.tensors = {PlannedWhole("w", "uint8", {6}, 6)};
      plan.totals = {.tensors = 1, .bytes = 6};
    }
    CAIRN_RETURN_IF_ERROR(CheckIsSavedModel(attachments));
    CAIRN_ASSIGN_OR_RETURN(sink_,
                           SavedModelSink::Create(&files_, output_, attachments, std::move(plan),
                                                  {.force = force, .variables = {}}));
    return sink_->Begin({});
  }
  absl::Status Write(v1::TensorKind kind, const std::string& name, absl::string_view bytes) {
    v1::SlicePart part;
    part.set_key(name);
    part.set_kind(kind);
    const Box box = kind == v1::TENSOR_KIND_TENSOR ? WholeBox({6}) : Box();
    return sink_->Write({part, box, 0, static_cast<int64_t>(bytes.size()), Crc32c(bytes),
                         absl::MakeConstSpan(&bytes, 1)});
  }
  absl::Status Restore(bool force = false) {
    CAIRN_RETURN_IF_ERROR(MakeSink(force));
    for (const auto& [name, bytes] : content_) {
      CAIRN_RETURN_IF_ERROR(Write(v1::TENSOR_KIND_ATTACHMENT, name, bytes));
    }
    if (has_variables_) CAIRN_RETURN_IF_ERROR(Write(v1::TENSOR_KIND_TENSOR, "w", "abcdef"));
    return sink_->Finish();
  }

  MemoryFileSystem files_;
  std::string output_ = "out/m";
  Content content_ = {
      {"saved_model.pb", "graph"}, {"assets/vocab", "a b"}, {"assets.extra/", ""}, {"empty", ""}};
  bool has_variables_ = true;
  std::unique_ptr<SavedModelSink> sink_;
};

TEST_F(SavedModelSinkTest, EveryFileComesUnderItsName) {
  ASSERT_OK(Restore());
  EXPECT_THAT(files_.files,
              ElementsAre(std::pair("out/m/assets/vocab", "a b"), std::pair("out/m/empty", ""),
                          std::pair("out/m/saved_model.pb", "graph"),
                          Key("out/m/variables/variables.data-00000-of-00001"),
                          Key("out/m/variables/variables.index")));
  EXPECT_TRUE(files_.IsFolder("out/m/assets.extra"));
  EXPECT_THAT(files_.ListFolder("out"), IsOkAndHolds(ElementsAre("m")));
  ASSERT_OK_AND_ASSIGN(const auto reader, BundleReader::Open(&files_, "out/m/variables/variables"));
  EXPECT_THAT(reader->ReadWhole(reader->tensors()[0]), IsOkAndHolds("abcdef"));
  EXPECT_EQ(sink_->totals().tensors, 1);
  EXPECT_EQ(sink_->totals().attachments, 4);
  EXPECT_EQ(sink_->totals().bytes, 6 + 5 + 3);
}

TEST_F(SavedModelSinkTest, WithoutVariablesThereAreNoFilesOfThem) {
  has_variables_ = false;
  ASSERT_OK(Restore());
  EXPECT_FALSE(files_.Exists("out/m/variables"));
  EXPECT_EQ(sink_->totals().tensors, 0);
  content_["variables/"] = "";
  output_ = "out/n/";
  ASSERT_OK(Restore());
  EXPECT_THAT(files_.ListFolder("out/n/variables"), IsOkAndHolds(IsEmpty()));
}

TEST_F(SavedModelSinkTest, WithoutAGraphItIsNoSavedModel) {
  content_.erase("saved_model.pb");
  EXPECT_THAT(Restore(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("saved_model.pb")));
  content_ = {{"saved_model.pbtxt", "text"}};
  EXPECT_OK(Restore());
}

TEST_F(SavedModelSinkTest, ABadNameIsRefusedBeforeAnythingIsMade) {
  for (const std::string name :
       {"../x", "/x", "a//b", "saved_model.pb/x", "assets", "variables/variables.index"}) {
    SCOPED_TRACE(name);
    content_ = {{"saved_model.pb", "graph"}, {"assets/vocab", ""}};
    content_[name] = "x";
    EXPECT_THAT(Restore(), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
    EXPECT_EQ(files_.changes, 0);
  }
}

TEST_F(SavedModelSinkTest, AFolderHasNoBytes) {
  content_["assets.extra/"] = "x";
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("assets.extra/")));
  EXPECT_EQ(files_.changes, 0);
}

TEST_F(SavedModelSinkTest, AnOutputThatNamesNoFolderIsWrongUsage) {
  for (const std::string output : {"", "/", ".", "..", "a/..", "a/./", "./"}) {
    output_ = output;
    EXPECT_EQ(ExitStatus(Restore()), kExitWrongUsage) << output;
  }
}

TEST_F(SavedModelSinkTest, AFolderThatIsThereIsReplacedOnlyByForce) {
  files_.files = {{"out/m/saved_model.pb", "old"}, {"out/m/assets/gone", ""}};
  const Content before = files_.files;
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("out/m")));
  EXPECT_EQ(files_.files, before);
  ASSERT_OK(Restore(/*force=*/true));
  EXPECT_EQ(files_.files.at("out/m/saved_model.pb"), "graph");
  EXPECT_FALSE(files_.Exists("out/m/assets/gone"));
  EXPECT_THAT(files_.ListFolder("out"), IsOkAndHolds(ElementsAre("m")));
}

TEST_F(SavedModelSinkTest, AnEmptyFolderIsReplacedOnlyByForce) {
  ASSERT_OK(files_.CreateFolders("out/m"));
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_OK(Restore(/*force=*/true));
}

TEST_F(SavedModelSinkTest, ForceRemovesNothingButASavedModel) {
  for (const Content& precious :
       {Content{{"out/m/thesis.tex", "years"}}, Content{{"out/m", "a file"}}}) {
    files_.files = precious;
    EXPECT_THAT(Restore(/*force=*/true),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("out/m")));
    EXPECT_EQ(files_.files, precious);
  }
}

TEST_F(SavedModelSinkTest, AFolderThatComesMeanwhileIsKept) {
  ASSERT_OK(MakeSink());
  for (const auto& [name, bytes] : content_)
    ASSERT_OK(Write(v1::TENSOR_KIND_ATTACHMENT, name, bytes));
  ASSERT_OK(Write(v1::TENSOR_KIND_TENSOR, "w", "abcdef"));
  files_.files["out/m/saved_model.pb"] = "other";
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kAlreadyExists));
  sink_.reset();
  EXPECT_THAT(files_.files, ElementsAre(std::pair("out/m/saved_model.pb", "other")));
}

TEST_F(SavedModelSinkTest, NothingStaysWhenAChangeFails) {
  ASSERT_OK(Restore());
  const int changes = files_.changes;
  ASSERT_GT(changes, 10);
  for (int failing = 0; failing < changes; ++failing) {
    SCOPED_TRACE(failing);
    sink_.reset();
    files_ = MemoryFileSystem();
    files_.fail_from_change = failing;
    EXPECT_FALSE(Restore().ok());
    sink_.reset();
    EXPECT_THAT(files_.files, IsEmpty());
    EXPECT_FALSE(files_.Exists("out/m"));
  }
}

// Up to the renames, the folder that is to be replaced is not touched at all.
TEST_F(SavedModelSinkTest, TheFolderBeforeIsWholeWhateverFails) {
  const Content before = {{"out/m/saved_model.pb", "old"}};
  files_.files = before;
  ASSERT_OK(Restore(/*force=*/true));
  const int changes = files_.changes;
  for (int failing = 0; failing < changes; ++failing) {
    SCOPED_TRACE(failing);
    sink_.reset();
    files_ = MemoryFileSystem();
    files_.files = before;
    files_.fail_from_change = failing;
    const absl::Status status = Restore(/*force=*/true);
    EXPECT_FALSE(status.ok());
    sink_.reset();
    ASSERT_EQ(files_.files.size(), 1);
    EXPECT_EQ(files_.files.begin()->second, "old");
    // Where it cannot be moved back, the error says where it is.
    const std::string path = files_.files.begin()->first;
    if (path == "out/m/saved_model.pb") continue;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path.substr(0, path.rfind('/'))));
  }
}

TEST_F(SavedModelSinkTest, MissingBytesLeaveNothing) {
  ASSERT_OK(MakeSink());
  ASSERT_OK(Write(v1::TENSOR_KIND_TENSOR, "w", "abcdef"));
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kDataLoss));
  sink_.reset();
  EXPECT_THAT(files_.files, IsEmpty());
}

TEST_F(SavedModelSinkTest, WhatWasNotSelectedIsRefused) {
  has_variables_ = false;
  ASSERT_OK(MakeSink());
  EXPECT_THAT(Write(v1::TENSOR_KIND_TENSOR, "w", "abcdef"), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Write(v1::TENSOR_KIND_ATTACHMENT, "w", "abc"), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace cairn::cli
