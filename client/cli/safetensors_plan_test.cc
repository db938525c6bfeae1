#include "client/cli/safetensors_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "base/status_matchers.h"
#include "client/cli/fake_server.h"
#include "formats/object_graph/object_graph.h"

namespace cairn::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class SafetensorsPlanTest : public ::testing::Test {
 protected:
  absl::StatusOr<SafetensorsPlan> Plan(bool skip_unsupported = false,
                                       TensorSelection selection = {}) {
    server_->SetCheckpoint();
    Client client(server_);
    return PlanSafetensors(client, *server_->checkpoint, selection, skip_unsupported);
  }
  static std::vector<std::string> KeysOf(const SafetensorsPlan& plan) {
    std::vector<std::string> keys;
    for (const SafetensorsWriter::Tensor& tensor : plan.tensors) keys.push_back(tensor.key);
    return keys;
  }

  const std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
};

TEST_F(SafetensorsPlanTest, TensorsAreWholeHoweverTheyWereSaved) {
  server_->AddTensor("a.w", "float32", {2, 1}, "abcdefgh");
  server_->AddTensor("a.packed", "safetensors:F4", {4}, "ab");
  server_->tensors["a.w"].tensor.set_slice_count(2);
  ASSERT_OK_AND_ASSIGN(const SafetensorsPlan plan, Plan());
  EXPECT_THAT(KeysOf(plan), ElementsAre("a.packed", "a.w"));
  EXPECT_EQ(plan.tensors[1].dtype, "float32");
  EXPECT_THAT(plan.tensors[1].shape, ElementsAre(2, 1));
  EXPECT_EQ(plan.tensors[1].size_bytes, 8);
  EXPECT_EQ(plan.totals.tensors, 2);
  EXPECT_EQ(plan.totals.bytes, 10);
  EXPECT_FALSE(plan.metadata.has_value());
  EXPECT_TRUE(plan.selectors.empty());
}

TEST_F(SafetensorsPlanTest, TheObjectGraphIsLeftOutWithoutAWord) {
  server_->AddTensor("w", "uint8", {1}, "a");
  server_->AddTensor(kObjectGraphKey, "string", {}, "12345678graph");
  ASSERT_OK_AND_ASSIGN(const SafetensorsPlan plan, Plan());
  EXPECT_THAT(KeysOf(plan), ElementsAre("w"));
}

TEST_F(SafetensorsPlanTest, AllThatCannotBeHeldIsNamedInOneError) {
  server_->AddTensor("fine", "uint8", {1}, "a");
  server_->AddTensor("text", "string", {1}, "123456789");
  server_->AddTensor("wide", "complex128", {1}, "1234567890123456");
  server_->AddTensor("nibble", "int4", {1}, "a");
  server_->AddTensor("variant", "tf:21", {}, "abc");
  server_->AddTensor("half", "float32", {2}, "abcd");
  server_->tensors["half"].tensor.set_partial(true);
  server_->AddTensor("cut", "safetensors:F4", {4}, "ab");
  server_->tensors["cut"].tensor.set_slice_count(2);
  server_->AddTensor("raw\\xff", "uint8", {1}, "a");
  server_->AddTensor("__metadata__", "uint8", {1}, "a");
  const auto plan = Plan();
  EXPECT_THAT(plan,
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("text (safetensors has no dtype string)"),
                             HasSubstr("wide (safetensors has no dtype complex128)"),
                             HasSubstr("nibble (safetensors has no dtype int4)"),
                             HasSubstr("variant (safetensors has no dtype tf:21)"),
                             HasSubstr("half (only a part"), HasSubstr("cut (it was saved in 2"),
                             HasSubstr("raw\\xff (its name is not UTF-8)"))));
  EXPECT_THAT(plan,
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("__metadata__ (it has the name"), HasSubstr("runs/a@7"),
                             HasSubstr("--skip-unsupported"), Not(HasSubstr("fine")))));
  ASSERT_OK_AND_ASSIGN(const SafetensorsPlan rest, Plan(/*skip_unsupported=*/true));
  EXPECT_THAT(KeysOf(rest), ElementsAre("fine"));
  EXPECT_EQ(rest.totals.tensors, 1);
  EXPECT_EQ(rest.totals.bytes, 1);
}

TEST_F(SafetensorsPlanTest, ASelectionIsAsked) {
  server_->AddTensor("model/w", "uint8", {1}, "a");
  server_->AddTensor("text", "string", {1}, "123456789");
  ASSERT_OK_AND_ASSIGN(const SafetensorsPlan plan,
                       Plan(false, {.prefixes = {"model"}, .keys = {}, .objects = {}}));
  EXPECT_THAT(KeysOf(plan), ElementsAre("model/w"));
  ASSERT_EQ(plan.selectors.size(), 1);
  EXPECT_EQ(plan.selectors[0].key_prefix(), "model");
  EXPECT_THAT(Plan(false, {.prefixes = {"none"}, .keys = {}, .objects = {}}),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SafetensorsPlanTest, AFileOfNothingThatWasSelectedIsRefused) {
  server_->AddTensor("text", "string", {1}, "123456789");
  EXPECT_THAT(Plan(/*skip_unsupported=*/true),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing")));
}

TEST_F(SafetensorsPlanTest, TheMetadataComesBackAndOtherAttachmentsStay) {
  server_->AddTensor("w", "uint8", {1}, "a");
  server_->AddAttachment("safetensors.metadata.json", R"({"format":"pt"})");
  server_->AddAttachment("safetensors.index.json", "{}");
  ASSERT_OK_AND_ASSIGN(const SafetensorsPlan plan, Plan());
  EXPECT_EQ(plan.metadata, (SafetensorsMetadata{{"format", "pt"}}));
  EXPECT_THAT(KeysOf(plan), ElementsAre("w"));
}

TEST_F(SafetensorsPlanTest, MetadataThatNoHeaderHoldsIsUnsupported) {
  server_->AddTensor("w", "uint8", {1}, "a");
  server_->AddAttachment("safetensors.metadata.json", "no JSON");
  for (const char* says : {"one JSON value", "1125899906842624 bytes"}) {
    EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr("the attachment safetensors.metadata.json (it "),
                                       HasSubstr(says))));
    ASSERT_OK_AND_ASSIGN(const SafetensorsPlan plan, Plan(/*skip_unsupported=*/true));
    EXPECT_FALSE(plan.metadata.has_value());
    server_->attachments["safetensors.metadata.json"].tensor.set_logical_bytes(int64_t{1} << 50);
  }
}

}  // namespace
}  // namespace cairn::cli
