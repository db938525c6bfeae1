#include "client/cli/bundle_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "client/cli/fake_server.h"
#include "formats/object_graph/object_graph.h"
#include "formats/tensor_bundle/string_tensor.h"

namespace cairn::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Ours of one string: its length, then it.
std::string OneString(const std::string& content) {
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(content.size());
  return bytes + content;
}

class BundlePlanTest : public ::testing::Test {
 protected:
  absl::StatusOr<BundlePlan> Plan(const TensorSelection& selection = {},
                                  bool skip_unsupported = false) {
    server_->SetCheckpoint();
    Client client(server_);
    return PlanBundle(client, *server_->checkpoint, selection, skip_unsupported);
  }
  static std::vector<Box> BoxesOf(const PlannedTensor& tensor) {
    std::vector<Box> boxes;
    for (const PlannedSlice& slice : tensor.slices) boxes.push_back(slice.box);
    return boxes;
  }

  const std::shared_ptr<FakeServer> server_ = std::make_shared<FakeServer>();
};

TEST_F(BundlePlanTest, TensorsKeepTheSlicesThatTheyWereSavedIn) {
  const Box left = {{0, 0}, {50, 5}}, top = {{0, 5}, {25, 15}}, bottom = {{25, 5}, {25, 15}};
  server_->AddSlices("p", "float16", {50, 20},
                     {{left, std::string(500, 'l')},
                      {bottom, std::string(750, 'b')},
                      {top, std::string(750, 't')}});
  server_->AddSlices("part", "float32", {400, 2}, {{{{100, 0}, {1, 2}}, "12345678"}}, true);
  server_->AddTensor("w", "float32", {1}, "1234");
  ASSERT_OK_AND_ASSIGN(const BundlePlan plan, Plan());
  ASSERT_THAT(plan.tensors, SizeIs(3));
  EXPECT_THAT(BoxesOf(plan.tensors[0]), ElementsAre(left, top, bottom));
  EXPECT_EQ(plan.tensors[0].slices[0].size_bytes, 500);
  EXPECT_EQ(plan.tensors[0].shape, std::vector<int64_t>({50, 20}));
  EXPECT_THAT(BoxesOf(plan.tensors[1]), ElementsAre(Box{{100, 0}, {1, 2}}));
  EXPECT_THAT(BoxesOf(plan.tensors[2]), ElementsAre(WholeBox({1})));
  EXPECT_THAT(plan.encoded, IsEmpty());
  EXPECT_EQ(plan.totals.tensors, 3);
  EXPECT_EQ(plan.totals.bytes, 2000 + 8 + 4);
}

TEST_F(BundlePlanTest, OnlySlicedTensorsAreAskedAfterOneByOne) {
  for (int i = 0; i < 50; ++i) server_->AddTensor(absl::StrCat("w", i), "uint8", {1}, "x");
  server_->AddSlices("p", "uint8", {2}, {{{{0}, {1}}, "a"}, {{{1}, {1}}, "b"}});
  EXPECT_CALL(*server_, GetTensor).Times(1);
  EXPECT_OK(Plan());
}

TEST_F(BundlePlanTest, EachSliceOfStringsIsEncodedByItself) {
  const Box first = {{0}, {1}}, last = {{3}, {1}};
  server_->AddSlices("s", "string", {4}, {{first, OneString("one")}, {last, OneString("")}}, true);
  server_->AddTensor("t", "string", {0}, "");
  ASSERT_OK_AND_ASSIGN(const BundlePlan plan, Plan());
  ASSERT_THAT(plan.encoded, SizeIs(3));
  const EncodedStrings one = EncodeStringTensor(OneString("one"), 1).value();
  EXPECT_EQ(plan.encoded[0].bytes, one.bytes);
  EXPECT_EQ(plan.encoded[0].crc32c, one.crc32c);
  EXPECT_EQ(plan.encoded[1].number.slice, 1);
  EXPECT_EQ(plan.encoded[1].bytes, EncodeStringTensor(OneString(""), 1).value().bytes);
  EXPECT_EQ(plan.encoded[2].number.tensor, 1);
  EXPECT_EQ(plan.tensors[0].slices[0].size_bytes, static_cast<int64_t>(one.bytes.size()));
  EXPECT_EQ(plan.tensors[1].slices[0].size_bytes, 4);
  EXPECT_EQ(plan.totals.bytes, 8 + 3 + 8);
}

TEST_F(BundlePlanTest, SlicesWithoutElementsAreNoSlices) {
  server_->AddSlices("rows", "uint8", {2, 2}, {{{{0, 0}, {2, 2}}, "abcd"}, {{{2, 0}, {0, 2}}, ""}});
  server_->AddSlices("none", "string", {4, 0}, {{{{0, 0}, {2, 0}}, ""}, {{{2, 0}, {2, 0}}, ""}});
  ASSERT_OK_AND_ASSIGN(const BundlePlan plan, Plan());
  EXPECT_THAT(BoxesOf(plan.tensors[0]), ElementsAre(WholeBox({4, 0})));
  EXPECT_THAT(BoxesOf(plan.tensors[1]), ElementsAre(WholeBox({2, 2})));
  ASSERT_THAT(plan.encoded, SizeIs(1));
  EXPECT_EQ(plan.encoded[0].bytes, EncodeStringTensor("", 0).value().bytes);
}

TEST_F(BundlePlanTest, WhatTheFilesCannotHoldIsNamedAtOnce) {
  server_->AddTensor("scale", "float8_e8m0fnu", {1}, "a");
  server_->AddTensor("q", "torch:qint8", {1}, "a");
  server_->AddTensor("w", "uint8", {1}, "a");
  server_->AddSlices("hole", "uint8", {2}, {{{{0}, {0}}, ""}}, true);
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kInvalidArgument,
                               AllOf(HasSubstr("runs/a@7"), HasSubstr("hole (none of its"),
                                     HasSubstr("q (TensorFlow has no dtype torch:qint8)"),
                                     HasSubstr("scale (TensorFlow has no dtype float8_e8m0fnu)"),
                                     HasSubstr("--skip-unsupported"), Not(HasSubstr("more")))));
  for (int i = 0; i < 20; ++i) server_->AddTensor(absl::StrCat("x", i), "torch:x", {1}, "a");
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("and 13 more")));
}

TEST_F(BundlePlanTest, WhatTheFilesCannotHoldMayBeLeftOut) {
  server_->AddTensor("scale", "float8_e8m0fnu", {1}, "a");
  server_->AddTensor("w", "uint8", {2}, "ab");
  formats::TrackableObjectGraph graph;
  formats::TrackableObjectGraph::TrackableObject* node = graph.add_nodes();
  for (const char* key : {"scale", "w"}) {
    auto* attribute = node->add_attributes();
    attribute->set_name(key);
    attribute->set_checkpoint_key(key);
  }
  server_->AddTensor(kObjectGraphKey, "string", {}, OneString(graph.SerializeAsString()));
  ASSERT_OK_AND_ASSIGN(const BundlePlan plan, Plan({}, /*skip_unsupported=*/true));
  EXPECT_THAT(plan.skipped, ElementsAre("scale"));
  ASSERT_THAT(plan.tensors, SizeIs(2));
  EXPECT_EQ(plan.tensors[1].key, "w");
  EXPECT_EQ(plan.totals.tensors, 2);
  ASSERT_THAT(plan.encoded, SizeIs(1));
  EXPECT_THAT(plan.encoded[0].bytes, Not(HasSubstr("scale")));
  EXPECT_EQ(plan.totals.bytes + 5 - 2, static_cast<int64_t>(plan.encoded[0].bytes.size()) + 8);
}

TEST_F(BundlePlanTest, AServerThatSendsOtherSlicesThanItListsIsRefused) {
  server_->AddSlices("s", "string", {2}, {{{{0}, {1}}, OneString("a")}}, true);
  ON_CALL(*server_, GetTensor).WillByDefault([this](const auto&) {
    v1::Tensor tensor = server_->tensors["s"].tensor;
    tensor.mutable_slices(0)->mutable_slice()->mutable_extents(0)->set_start(1);
    return tensor;
  });
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kInternal,
                               AllOf(HasSubstr("tensor s"), HasSubstr("[1:2]"))));
}

TEST_F(BundlePlanTest, SlicesOutsideOfTheirTensorAreRefused) {
  server_->AddSlices("p", "uint8", {2}, {{{{0}, {1}}, "a"}}, true);
  ON_CALL(*server_, GetTensor).WillByDefault([this](const auto&) {
    v1::Tensor tensor = server_->tensors["p"].tensor;
    tensor.mutable_slices(0)->mutable_slice()->mutable_extents(0)->set_start(2);
    return tensor;
  });
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tensor p")));
}

}  // namespace
}  // namespace cairn::cli
