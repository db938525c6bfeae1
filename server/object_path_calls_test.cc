// ListTensors and OpenRestore by object paths, on a store in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "formats/object_graph/object_graph.h"
#include "server/inline_save.h"
#include "server/mock_store.h"
#include "server/object_graphs.h"
#include "server/restore_calls.h"
#include "server/tensor_calls.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::server {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Return;

// The graph of a program whose model, below "model", has `layers` layers "l0", "l1", ... of one
// variable "kernel" each; and of what was not saved with them, "lost".
std::string Graph(int layers) {
  formats::TrackableObjectGraph graph;
  graph.add_nodes();
  graph.add_nodes();
  const auto add_edge = [&](int from, const std::string& name, int to) {
    auto* const edge = graph.mutable_nodes(from)->add_children();
    edge->set_local_name(name);
    edge->set_node_id(to);
  };
  add_edge(0, "model", 1);
  for (int i = 0; i <= layers; ++i) {
    const std::string name = i < layers ? absl::StrCat("l", i) : "lost";
    const int node = graph.nodes_size();
    graph.add_nodes();
    graph.add_nodes()->add_attributes()->set_checkpoint_key("v/" + name);
    add_edge(1, name, node);
    add_edge(node, "kernel", node + 1);
  }
  return graph.SerializeAsString();
}

class ObjectPathCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, storage::Store::Open({.table = &table_, .segments = &segments_}));
    graphs_.emplace(store_.get());
    services_ = {store_.get(), nullptr, nullptr};
  }

  // `layers` kernels of three float32 [i, i + 1, i + 2], something else, and the graph.
  void Save(const std::string& directory, int layers, const std::string& graph) {
    v1::SaveCheckpointRequest request;
    request.set_directory(directory);
    for (int i = 0; i < layers; ++i) {
      v1::InlineTensor* const kernel = request.add_tensors();
      kernel->set_key(absl::StrCat("v/l", i));
      for (int j = 0; j < 3; ++j) kernel->add_values(i + j);
    }
    v1::InlineTensor* const other = request.add_tensors();
    other->set_key("model/l0/kernel");  // no object's, whatever it is called
    other->add_values(9);
    if (!graph.empty()) {
      v1::InlineTensor* const tensor = request.add_tensors();
      tensor->set_key(kObjectGraphKey);
      tensor->set_dtype("string");
      tensor->set_scalar(true);
      std::string length;
      for (int i = 0; i < 8; ++i) length.push_back(static_cast<char>(graph.size() >> (8 * i)));
      tensor->set_data(length + graph);
    }
    ASSERT_OK(SaveInline(store_.get(), request));
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path, int page_size = 0) {
    TensorCalls calls(services_, &*graphs_);
    v1::ListTensorsRequest request;
    request.set_directory("d");
    request.set_object_path(path);
    request.set_page_size(page_size);
    std::vector<std::string> keys;
    do {
      CAIRN_ASSIGN_OR_RETURN(const v1::ListTensorsResponse page, calls.List(request));
      EXPECT_TRUE(page_size == 0 || page.tensors_size() <= page_size);
      EXPECT_GT(page.tensors_size(), 0);
      for (const v1::Tensor& tensor : page.tensors()) keys.push_back(tensor.key());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return keys;
  }

  static v1::Selector Object(const std::string& path) {
    v1::Selector selector;
    selector.set_object_path(path);
    return selector;
  }
  absl::StatusOr<v1::OpenRestoreResponse> Open(const std::vector<v1::Selector>& selectors) {
    RestoreCalls calls(services_, &*graphs_);
    v1::OpenRestoreRequest request;
    request.set_directory("d");
    request.mutable_selectors()->Add(selectors.begin(), selectors.end());
    return calls.Open(request);
  }
  std::set<std::string> KeysOf(const v1::OpenRestoreResponse& restore) {
    std::set<std::string> keys;
    for (const std::string& token : restore.stream_tokens()) {
      const auto reader = store_->NewSliceReader(token);
      EXPECT_OK(reader);
      if (!reader.ok()) continue;
      while (true) {
        const auto parts = (*reader)->Next(1 << 20);
        EXPECT_OK(parts);
        if (!parts.ok() || parts->empty()) break;
        for (const storage::OutgoingPart& part : *parts) keys.insert(part.key);
      }
    }
    return keys;
  }

  storage::MemoryTable table_;
  storage::MemorySegmentStore segments_;
  std::unique_ptr<storage::Store> store_;
  std::optional<ObjectGraphs> graphs_;
  Services services_;
};

TEST_F(ObjectPathCallsTest, AnObjectsTensorsAreListedInPages) {
  Save("d", 12, Graph(12));
  for (const int page_size : {1, 5, 12, 1000}) {
    ASSERT_OK_AND_ASSIGN(const auto keys, List("model", page_size));
    ASSERT_EQ(keys.size(), 12u) << page_size;
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    EXPECT_EQ(keys[2], "v/l10");
  }
  EXPECT_THAT(List("model/l1"), IsOkAndHolds(ElementsAre("v/l1")));
  EXPECT_THAT(List("model/l1/kernel", 1), IsOkAndHolds(ElementsAre("v/l1")));
  ASSERT_OK_AND_ASSIGN(const auto all, List(""));
  EXPECT_EQ(all.size(), 12u);  // of the root: neither the graph nor what no object has
}

TEST_F(ObjectPathCallsTest, PagesKeepToOneCheckpointAndOnePath) {
  Save("d", 3, Graph(3));
  TensorCalls calls(services_, &*graphs_);
  v1::ListTensorsRequest request;
  request.set_directory("d");
  request.set_object_path("model");
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(v1::ListTensorsResponse page, calls.List(request));
  Save("d", 1, Graph(1));
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, calls.List(request));
  ASSERT_EQ(page.tensors_size(), 1);
  EXPECT_EQ(page.tensors(0).key(), "v/l1");
  request.set_object_path("model/l2");
  EXPECT_THAT(calls.List(request), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(ObjectPathCallsTest, ObjectsAreRestoredWithBoxesAndCastsAndBesideOtherSelectors) {
  Save("d", 4, Graph(4));
  v1::Selector boxed = Object("model/l1");
  boxed.mutable_slice()->add_extents()->set_start(1);
  boxed.set_dtype("float64");
  v1::Selector key, prefix;
  key.set_key("v/l2");
  prefix.set_key_prefix("model");
  ASSERT_OK_AND_ASSIGN(v1::OpenRestoreResponse restore,
                       Open({boxed, key, prefix, Object("model/l1"), Object("model/l3/kernel")}));
  EXPECT_EQ(restore.tensor_count(), 4);
  EXPECT_EQ(restore.total_bytes(), 2 * 8 + 3 * 4 + 4 + 3 * 4);
  EXPECT_THAT(KeysOf(restore), ElementsAre("model/l0/kernel", "v/l1", "v/l2", "v/l3"));
  // What a box does not fit is refused as it is by prefix.
  boxed.mutable_slice()->mutable_extents(0)->set_start(4);
  EXPECT_THAT(Open({boxed}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ObjectPathCallsTest, WhatIsMissingOfAnObjectIsPassedOverUnlessAllOfItIs) {
  Save("d", 2, Graph(4));
  EXPECT_THAT(List("model", 1), IsOkAndHolds(ElementsAre("v/l0", "v/l1")));
  ASSERT_OK_AND_ASSIGN(const v1::OpenRestoreResponse restore, Open({Object("model")}));
  EXPECT_THAT(KeysOf(restore), ElementsAre("v/l0", "v/l1"));
  for (const absl::Status& status :
       {List("model/lost").status(), Open({Object("model"), Object("model/lost")}).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                                 AllOf(HasSubstr("\"model/lost\""),
                                       HasSubstr("lacks all of its keys, v/lost"))));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  }
}

TEST_F(ObjectPathCallsTest, ObjectsThatAreNotThereAreToldWithTheirNeighbors) {
  Save("d", 2, Graph(2));
  for (const absl::Status& status :
       {List("model/l3").status(), Open({Object("model/l3")}).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"model/l3\"")));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
    EXPECT_EQ(DetailOf(status).metadata().at("neighbors"), "l0, l1, lost");
  }
}

TEST_F(ObjectPathCallsTest, BadPathsNameTheirField) {
  Save("d", 1, Graph(1));
  const absl::Status listed = List("model//l1").status();
  EXPECT_THAT(listed, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_EQ(DetailOf(listed).field_violations(0).field(), "object_path");
  const absl::Status opened = Open({Object("model"), Object("a.b")}).status();
  EXPECT_THAT(opened, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_EQ(DetailOf(opened).field_violations(0).field(), "selectors[1]");

  TensorCalls calls(services_, &*graphs_);
  v1::ListTensorsRequest request;
  request.set_directory("d");
  request.set_object_path("model");
  request.set_key_prefix("v");
  EXPECT_THAT(calls.List(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key_prefix")));
  request.clear_key_prefix();
  request.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  EXPECT_THAT(calls.List(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attachments")));
  v1::Selector attachment = Object("model");
  attachment.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  EXPECT_THAT(Open({attachment}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ObjectPathCallsTest, ACheckpointWithoutAGraphSaysSo) {
  Save("d", 1, "");
  for (const absl::Status& status : {List("model").status(), Open({Object("model")}).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                                 AllOf(HasSubstr("\"model\""), HasSubstr("d@1"),
                                       HasSubstr("holds no object graph"))));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  }
}

TEST_F(ObjectPathCallsTest, ADamagedGraphSaysSo) {
  Save("d", 1, Graph(1).substr(1));
  for (const absl::Status& status : {List("model").status(), Open({Object("model")}).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("d@1")));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
  }
}

TEST_F(ObjectPathCallsTest, MoreKeysThanMemoryHoldsAreRefused) {
  // Every object holds all: ten thousand names for a megabyte of keys.
  formats::TrackableObjectGraph graph;
  graph.add_nodes();
  for (int i = 0; i < 256; ++i) {
    graph.mutable_nodes(0)->add_attributes()->set_checkpoint_key(
        absl::StrCat(i, std::string(4000, 'k')));
  }
  std::vector<v1::Selector> selectors;
  for (int i = 0; i < 100; ++i) {
    auto* const edge = graph.mutable_nodes(0)->add_children();
    edge->set_local_name(absl::StrCat(i));
    selectors.push_back(Object(absl::StrCat(i)));
  }
  Save("d", 1, graph.SerializeAsString());
  EXPECT_THAT(Open(selectors), StatusIs(absl::StatusCode::kResourceExhausted));
}

// A store in which what a reference means goes away while its objects are found.
class VanishingStore : public ::testing::NiceMock<MockStore> {
 public:
  VanishingStore(storage::Store* store, int vanishings) : vanishings_(vanishings) {
    ON_CALL(*this, GetCheckpoint).WillByDefault([=](auto directory, auto reference) {
      return store->GetCheckpoint(directory, reference);
    });
    ON_CALL(*this, GetTensor).WillByDefault([=](const auto& checkpoint, auto kind, auto key) {
      return store->GetTensor(checkpoint, kind, key);
    });
    ON_CALL(*this, NewSliceReader).WillByDefault([=](auto token) {
      return store->NewSliceReader(token);
    });
    ON_CALL(*this, CloseRestore).WillByDefault(Return(absl::OkStatus()));
    ON_CALL(*this, OpenRestore)
        .WillByDefault([=, this](auto directory, auto reference, auto selectors,
                                 int streams) -> absl::StatusOr<storage::RestoreInfo> {
          ++opened;
          if (vanishings_-- > 0) {
            return MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND,
                             absl::StatusCode::kNotFound, "replaced");
          }
          return store->OpenRestore(directory, reference, selectors, streams);
        });
  }
  int opened = 0;

 private:
  int vanishings_;
};

TEST_F(ObjectPathCallsTest, AReferenceIsResolvedAnewWhenWhatItMeantIsGone) {
  Save("d", 2, Graph(2));
  for (const int vanishings : {1, 3, 100}) {
    VanishingStore store(store_.get(), vanishings);
    ObjectGraphs graphs(&store);
    RestoreCalls calls({&store, nullptr, nullptr}, &graphs);
    v1::OpenRestoreRequest request;
    request.set_directory("d");
    *request.add_selectors() = Object("model/l1");
    const absl::StatusOr<v1::OpenRestoreResponse> restore = calls.Open(request);
    if (vanishings < 100) {
      ASSERT_OK(restore);
      EXPECT_THAT(KeysOf(*restore), ElementsAre("v/l1"));
    } else {
      EXPECT_THAT(restore, HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
      EXPECT_LT(store.opened, 100);
    }
  }
}

}  // namespace
}  // namespace cairn::server
