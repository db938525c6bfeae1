#include "server/copy_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "formats/object_graph/object_graph.h"
#include "server/inline_save.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CopyCallTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, storage::Store::Open({.table = &table_, .segments = &segments_}));
    graphs_.emplace(store_.get());
    services_ = {.store = store_.get(), .admission = &admission_, .collector = nullptr};
  }

  // Two kernels below "model" and the graph that names them, or what is given instead.
  void Save(const std::string& graph) {
    v1::SaveCheckpointRequest request;
    request.set_directory("d");
    for (const char* key : {"model/a", "model/b"}) {
      v1::InlineTensor* const tensor = request.add_tensors();
      tensor->set_key(key);
      tensor->add_values(1);
    }
    v1::InlineTensor* const tensor = request.add_tensors();
    tensor->set_key(kObjectGraphKey);
    tensor->set_dtype("string");
    tensor->set_scalar(true);
    std::string size(8, '\0');
    size[0] = static_cast<char>(graph.size());
    ASSERT_LT(graph.size(), 128u);
    tensor->set_data(size + graph);
    ASSERT_OK(SaveInline(store_.get(), request));
  }

  static std::string Graph() {
    formats::TrackableObjectGraph graph;
    graph.add_nodes();
    for (const char* key : {"model/a", "model/b"}) {
      auto* const edge = graph.mutable_nodes(0)->add_children();
      edge->set_local_name(key);
      edge->set_node_id(graph.nodes_size());
      graph.add_nodes()->add_attributes()->set_checkpoint_key(key);
    }
    return graph.SerializeAsString();
  }

  static v1::CopyCheckpointRequest Header() {
    v1::CopyCheckpointRequest request;
    request.set_directory("d");
    return request;
  }
  static v1::CopyCheckpointRequest Rename(const std::string& from, const std::string& to) {
    v1::CopyCheckpointRequest request;
    request.add_renames()->set_from(from);
    request.mutable_renames(0)->set_to(to);
    request.mutable_renames(0)->set_prefix(true);
    return request;
  }

  absl::StatusOr<v1::Checkpoint> Copy(const std::vector<v1::CopyCheckpointRequest>& messages) {
    CopyCall call(services_, &*graphs_);
    for (const v1::CopyCheckpointRequest& message : messages) {
      CAIRN_RETURN_IF_ERROR(call.Receive(message));
    }
    return call.Finish();
  }

  // The keys that the graph of a checkpoint names, node by node.
  std::vector<std::string> GraphKeys(const v1::Checkpoint& checkpoint) {
    std::vector<std::string> keys;
    const auto record =
        store_->GetCheckpoint(checkpoint.directory(), absl::StrCat("uid:", checkpoint.uid()));
    EXPECT_OK(record);
    const auto graph = graphs_->Read(checkpoint.directory(), *record);
    EXPECT_OK(graph);
    if (!graph.ok()) return keys;
    for (const auto& node : graph->nodes()) {
      for (const auto& attribute : node.attributes()) keys.push_back(attribute.checkpoint_key());
    }
    return keys;
  }

  storage::MemoryTable table_;
  storage::MemorySegmentStore segments_;
  std::unique_ptr<storage::Store> store_;
  std::optional<ObjectGraphs> graphs_;
  Admission admission_{AdmissionOptions()};
  Services services_{};
};

TEST_F(CopyCallTest, TheObjectGraphGetsTheKeysOfTheCopy) {
  Save(Graph());
  v1::CopyCheckpointRequest header = Header();
  header.set_target_directory("e");
  header.set_checkpoint_number(5);
  header.add_exclude("model/b");
  (*header.mutable_annotations())["why"] = "test";
  ASSERT_OK_AND_ASSIGN(const v1::Checkpoint copy,
                       Copy({header, Rename("model", "net"), Rename("model/a", "first")}));
  EXPECT_EQ(copy.directory(), "e");
  EXPECT_EQ(copy.number(), 5);
  EXPECT_EQ(copy.tensor_count(), 2);
  EXPECT_EQ(copy.annotations().at("why"), "test");
  EXPECT_THAT(GraphKeys(copy), ElementsAre("first"));
}

TEST_F(CopyCallTest, AGraphIsCopiedAsItIsWhereNoKeyChanges) {
  Save(Graph());
  ASSERT_OK_AND_ASSIGN(const v1::Checkpoint copy, Copy({Header()}));
  EXPECT_EQ(copy.directory(), "d");
  EXPECT_EQ(copy.number(), 2);
  EXPECT_THAT(GraphKeys(copy), ElementsAre("model/a", "model/b"));
}

TEST_F(CopyCallTest, WhatIsNoGraphIsAnErrorUnlessItIsLeftOut) {
  Save("garbage");
  EXPECT_THAT(Copy({Header(), Rename("model", "net")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exclude it")));
  v1::CopyCheckpointRequest header = Header();
  header.add_exclude(kObjectGraphKey);
  EXPECT_EQ(Copy({header, Rename("model", "net")})->tensor_count(), 2);
}

TEST_F(CopyCallTest, TheSameRequestGivesTheSameCopy) {
  Save(Graph());
  v1::CopyCheckpointRequest header = Header();
  header.set_request_id("r");
  ASSERT_OK_AND_ASSIGN(const v1::Checkpoint first, Copy({header, Rename("model", "net")}));
  EXPECT_EQ(Copy({header, Rename("model", "net")})->uid(), first.uid());
  EXPECT_THAT(Copy({header}), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(CopyCallTest, OnlyTheFirstMessageSaysWhatIsCopied) {
  EXPECT_THAT(Copy({}), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_THAT(Copy({Rename("a", "b")}), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_THAT(Copy({Header(), Header()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("only the first message")));
}

TEST_F(CopyCallTest, TooManyRenamesEndTheCallAsTheyCome) {
  CopyCall call(services_, &*graphs_);
  ASSERT_OK(call.Receive(Header()));
  v1::CopyCheckpointRequest many;
  for (int i = 0; i < storage::kMaxRenames; ++i) many.add_renames()->set_from("x");
  ASSERT_OK(call.Receive(many));
  EXPECT_THAT(call.Receive(Rename("a", "b")), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

}  // namespace
}  // namespace cairn::server
