#include "formats/object_graph/object_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "formats/object_graph/object_graph.h"

namespace cairn {
namespace {

using formats::TrackableObjectGraph;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Node = TrackableObjectGraph::TrackableObject;

// Grows a graph object by object.
class GraphBuilder {
 public:
  GraphBuilder() { graph_.add_nodes(); }

  void AddEdge(int from, const std::string& name, int to) {
    Node::ObjectReference* const edge = graph_.mutable_nodes(from)->add_children();
    edge->set_local_name(name);
    edge->set_node_id(to);
  }
  int AddObject(int parent, const std::string& name) {
    const int node = graph_.nodes_size();
    graph_.add_nodes();
    AddEdge(parent, name, node);
    return node;
  }
  int AddVariable(int parent, const std::string& name, const std::string& key,
                  const std::string& full_name = "") {
    const int node = AddObject(parent, name);
    SetValue(node, key, full_name);
    return node;
  }
  void SetValue(int node, const std::string& key, const std::string& full_name = "") {
    Node::SerializedTensor* const attribute = graph_.mutable_nodes(node)->add_attributes();
    attribute->set_name("VARIABLE_VALUE");
    attribute->set_checkpoint_key(key);
    attribute->set_full_name(full_name);
  }
  int AddSlot(int optimizer, int variable, const std::string& key) {
    const int node = graph_.nodes_size();
    graph_.add_nodes();
    SetValue(node, key);
    Node::SlotVariableReference* const slot = graph_.mutable_nodes(optimizer)->add_slot_variables();
    slot->set_original_variable_node_id(variable);
    slot->set_slot_name("m");
    slot->set_slot_variable_node_id(node);
    return node;
  }

  absl::StatusOr<std::vector<std::string>> Keys(absl::string_view path) const {
    int64_t steps = kObjectPathSteps;
    return ObjectPaths(graph_).KeysBelow(path, &steps);
  }
  TrackableObjectGraph& graph() { return graph_; }

 private:
  TrackableObjectGraph graph_;
};

// What Keras 3 saves of Checkpoint(model=functional, optimizer=compiled) with the layers l1 and l2:
// the weights' keys are the optimizer's, and the layers are numbers.
GraphBuilder Functional() {
  GraphBuilder graph;
  const int model = graph.AddObject(0, "model");
  const int optimizer = graph.AddObject(0, "optimizer");
  graph.AddEdge(model, "optimizer", optimizer);
  const int operations = graph.AddObject(model, "_operations");
  const int variables = graph.AddObject(optimizer, "_trainable_variables");
  const int momentums = graph.AddObject(optimizer, "_momentums");
  graph.AddVariable(optimizer, "_iterations", "o/it", "adam/iteration");
  for (const std::string layer : {"1", "2"}) {
    const int node = graph.AddObject(operations, layer);
    for (const auto& [edge, own] : {std::pair("_kernel", "kernel"), std::pair("bias", "bias")}) {
      const std::string full_name = absl::StrCat("l", layer, "/", own);
      const int variable = graph.AddVariable(node, edge, "o/" + full_name, full_name);
      graph.AddEdge(variables, absl::StrCat(variable), variable);
      graph.AddVariable(momentums, absl::StrCat(variable), "o/m/" + full_name,
                        absl::StrCat("adam/l", layer, "_", own, "_momentum"));
    }
  }
  return graph;
}

TEST(ObjectPathsTest, EverythingBelowAnObjectIsFoundUnderItsOwnKeys) {
  const GraphBuilder graph = Functional();
  EXPECT_THAT(graph.Keys("model/_operations/1"),
              IsOkAndHolds(ElementsAre("o/l1/bias", "o/l1/kernel")));
  EXPECT_THAT(graph.Keys("optimizer/_trainable_variables"),
              IsOkAndHolds(ElementsAre("o/l1/bias", "o/l1/kernel", "o/l2/bias", "o/l2/kernel")));
  EXPECT_THAT(graph.Keys("model/_operations/1/_kernel"), IsOkAndHolds(ElementsAre("o/l1/kernel")));
  // A slash at the end means nothing, as in prefixes.
  EXPECT_THAT(graph.Keys("model/_operations/1/"),
              IsOkAndHolds(ElementsAre("o/l1/bias", "o/l1/kernel")));
}

TEST(ObjectPathsTest, TheEmptyPathIsTheRoot) {
  const GraphBuilder graph = Functional();
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> all, graph.Keys(""));
  EXPECT_EQ(all.size(), 9u);
  EXPECT_THAT(graph.Keys("model"), IsOkAndHolds(all));  // the compiled model has its optimizer
}

TEST(ObjectPathsTest, AnyNameOfAnObjectLeadsToIt) {
  GraphBuilder graph;
  const int layer = graph.AddObject(0, "first");
  graph.AddEdge(0, "second", layer);
  graph.AddVariable(layer, "w", "w");
  for (const char* path : {"first", "second", "first/w", "second/w"}) {
    EXPECT_THAT(graph.Keys(path), IsOkAndHolds(ElementsAre("w"))) << path;
  }
}

TEST(ObjectPathsTest, ObjectsOfOneNameAreUnited) {
  GraphBuilder graph;
  for (const char* key : {"b", "a"}) {
    graph.AddVariable(graph.AddObject(0, "x"), "w", key);
  }
  EXPECT_THAT(graph.Keys("x"), IsOkAndHolds(ElementsAre("a", "b")));
  EXPECT_THAT(graph.Keys("x/w"), IsOkAndHolds(ElementsAre("a", "b")));
}

TEST(ObjectPathsTest, CyclesEndAndGiveEveryKeyOnce) {
  GraphBuilder graph;
  const int child = graph.AddObject(0, "child");
  graph.AddEdge(child, "parent", 0);
  graph.AddEdge(child, "self", child);
  const int variable = graph.AddVariable(child, "v", "v");
  graph.SetValue(variable, "v");
  graph.AddEdge(variable, "owner", child);
  for (const char* path :
       {"", "child", "child/parent/child/self/self", "child/v", "child/v/owner"}) {
    EXPECT_THAT(graph.Keys(path), IsOkAndHolds(ElementsAre("v"))) << path;
  }
}

TEST(ObjectPathsTest, SlotsLieBelowTheirOptimizerAlone) {
  GraphBuilder graph;
  const int model = graph.AddObject(0, "model");
  const int kernel = graph.AddVariable(model, "kernel", "k");
  const int optimizer = graph.AddObject(0, "optimizer");
  graph.AddVariable(optimizer, "iter", "i");
  const int slot = graph.AddSlot(optimizer, kernel, "k/m");
  graph.AddVariable(slot, "more", "k/m/more");
  EXPECT_THAT(graph.Keys("model"), IsOkAndHolds(ElementsAre("k")));
  EXPECT_THAT(graph.Keys("optimizer"), IsOkAndHolds(ElementsAre("i", "k/m", "k/m/more")));
  EXPECT_THAT(graph.Keys(""), IsOkAndHolds(ElementsAre("i", "k", "k/m", "k/m/more")));
}

TEST(ObjectPathsTest, ALayersNameIsThatOfItsVariables) {
  const GraphBuilder graph = Functional();
  EXPECT_THAT(graph.Keys("model/l1"), IsOkAndHolds(ElementsAre("o/l1/bias", "o/l1/kernel")));
  EXPECT_THAT(graph.Keys("model/l1/kernel"), IsOkAndHolds(ElementsAre("o/l1/kernel")));
  EXPECT_THAT(graph.Keys("model/l1/_kernel"), IsOkAndHolds(ElementsAre("o/l1/kernel")));
  EXPECT_THAT(graph.Keys("model/_operations/2/kernel"), IsOkAndHolds(ElementsAre("o/l2/kernel")));
  // Never a part of a name, nor a variable's own name from afar.
  for (const char* path : {"model/l", "model/l1_kernel_momentum", "model/kernel", "model/1"}) {
    EXPECT_THAT(graph.Keys(path), StatusIs(absl::StatusCode::kNotFound)) << path;
  }
}

TEST(ObjectPathsTest, AnEdgeGoesBeforeOtherNames) {
  GraphBuilder graph;
  const int model = graph.AddObject(0, "model");
  graph.AddVariable(graph.AddObject(model, "l1"), "w", "by edge");
  const int other = graph.AddObject(model, "other");
  graph.AddVariable(other, "_v", "by scope", "l1/w");
  EXPECT_THAT(graph.Keys("model/l1"), IsOkAndHolds(ElementsAre("by edge")));
  EXPECT_THAT(graph.Keys("model/other/w"), IsOkAndHolds(ElementsAre("by scope")));
}

TEST(ObjectPathsTest, AScopeOfSeveralLayersNamesThemAll) {
  GraphBuilder graph;
  const int block = graph.AddObject(graph.AddObject(0, "model"), "0");
  for (const std::string layer : {"query", "key"}) {
    const int node = graph.AddObject(block, "_" + layer);
    graph.AddVariable(node, "_kernel", layer, absl::StrCat("net/attention/", layer, "/kernel"));
    graph.AddVariable(node, "seed", layer + " seed");  // has no name, but belongs to the layer
  }
  EXPECT_THAT(graph.Keys("model/attention"),
              IsOkAndHolds(ElementsAre("key", "key seed", "query", "query seed")));
  EXPECT_THAT(graph.Keys("model/attention/key"), IsOkAndHolds(ElementsAre("key", "key seed")));
  EXPECT_THAT(graph.Keys("model/attention.Squery"),
              IsOkAndHolds(ElementsAre("query", "query seed")));
}

TEST(ObjectPathsTest, NamesAreEscapedAsInKeys) {
  GraphBuilder graph;
  graph.AddVariable(0, "a/b.c", "1");
  graph.AddVariable(0, ".S", "2");
  graph.AddVariable(0, "\xff\\", "3");
  graph.AddVariable(0, "h\xc3\xa4h", "4\x01");
  EXPECT_THAT(graph.Keys("a.Sb..c"), IsOkAndHolds(ElementsAre("1")));
  EXPECT_THAT(graph.Keys("..S"), IsOkAndHolds(ElementsAre("2")));
  EXPECT_THAT(graph.Keys("\\xff\\x5c"), IsOkAndHolds(ElementsAre("3")));
  EXPECT_THAT(graph.Keys("h\xc3\xa4h"), IsOkAndHolds(ElementsAre("4\\x01")));
  EXPECT_THAT(graph.Keys("x").status().message(),
              HasSubstr("has ..S, a.Sb..c, h\xc3\xa4h, \\xff\\x5c"));
}

TEST(ObjectPathsTest, PathsOfAnotherFormAreRefused) {
  const GraphBuilder graph = Functional();
  const std::pair<std::string, std::string> bad[] = {
      {"model//l1", "empty name"},
      {"/model", "empty name"},
      {"model///", "empty name"},
      {"a.b", "one dot"},
      {"model/.", "one dot"},
      {"model/...", "one dot"},
      {"model/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", ".ATTRIBUTES"},
      {"a\nb", "control character"},
      {"a\\b", "backslash"},
      {"\xff", "not UTF-8"},
      {std::string(4097, 'x'), "4097 bytes"}};
  for (const auto& [path, what] : bad) {
    const absl::Status status = graph.Keys(path).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what))) << path;
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD)) << path;
    EXPECT_EQ(DetailOf(status).field_violations(0).field(), "object_path") << path;
  }
}

TEST(ObjectPathsTest, WhatIsNotThereIsToldWithTheNamesThatAre) {
  GraphBuilder graph = Functional();
  // Objects that say that they have no values are no use to whoever looks for some.
  const int empty = graph.AddObject(1, "_losses");
  graph.graph().mutable_nodes(empty)->mutable_has_checkpoint_values()->set_value(false);
  const absl::Status status = graph.Keys("model/l3/kernel").status();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("\"model/l3/kernel\""),
                                                          HasSubstr("\"model\" has no \"l3\""))));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_EQ(DetailOf(status).metadata().at("selector"), "model/l3/kernel");
  EXPECT_EQ(DetailOf(status).metadata().at("neighbors"), "_operations, adam, l1, l2, optimizer");
  EXPECT_THAT(graph.Keys("modle"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("the root has no \"modle\"")));
  // ".." is the name of one dot, not the way up.
  EXPECT_THAT(graph.Keys("model/.."), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(graph.Keys("model/_losses"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("without any value")));
}

TEST(ObjectPathsTest, OfManyNamesTheNearestAreTold) {
  GraphBuilder graph;
  for (int i = 100; i < 150; ++i) graph.AddVariable(0, absl::StrCat(i), absl::StrCat("k", i));
  graph.AddVariable(0, std::string(100000, '1'), "long");
  const absl::Status status = graph.Keys("120x").status();
  EXPECT_THAT(DetailOf(status).metadata().at("neighbors"),
              "117, 118, 119, 120, 121, 122, 123, 124");
  EXPECT_THAT(DetailOf(graph.Keys("zzz").status()).metadata().at("neighbors"),
              AllOf(HasSubstr("142"), HasSubstr("149"), Not(HasSubstr("141"))));
}

TEST(ObjectPathsTest, AGraphWithoutObjectsHasNothing) {
  TrackableObjectGraph graph;
  int64_t steps = kObjectPathSteps;
  for (const char* path : {"", "a"}) {
    EXPECT_THAT(ObjectPaths(graph).KeysBelow(path, &steps), StatusIs(absl::StatusCode::kNotFound));
  }
}

TEST(ObjectPathsTest, WhatCannotBeAKeyIsPassedOver) {
  GraphBuilder graph;
  graph.AddVariable(0, "empty", "");
  graph.AddVariable(0, "long", std::string(4097, 'x'));
  graph.AddVariable(0, "long as text", std::string(1025, '\x01'));
  graph.AddVariable(0, "good", "good");
  EXPECT_THAT(graph.Keys(""), IsOkAndHolds(ElementsAre("good")));
}

TEST(ObjectPathsTest, TablesAndIteratorsHaveTensorsOfLongerKeys) {
  GraphBuilder builder;
  builder.AddVariable(0, "words", "words/table");
  builder.graph().mutable_nodes(1)->mutable_attributes(0)->set_name("table");
  builder.AddVariable(0, "kernel", "kernel");
  EXPECT_THAT(builder.Keys("words"),
              IsOkAndHolds(ElementsAre("words/table", "words/table-keys", "words/table-values",
                                       "words/table_STATE")));
  EXPECT_THAT(builder.Keys("kernel"), IsOkAndHolds(ElementsAre("kernel")));
}

TEST(ObjectPathsTest, WorkIsBoundedHoweverTheGraphIsMade) {
  // Every object is a child of every other under one name: each step of a path visits all edges.
  GraphBuilder graph;
  constexpr int kObjects = 300;
  for (int i = 1; i < kObjects; ++i) graph.AddObject(0, "a");
  for (int i = 1; i < kObjects; ++i) {
    for (int j = 0; j < kObjects; ++j) graph.AddEdge(i, "a", j);
  }
  graph.SetValue(kObjects - 1, "v");
  const ObjectPaths paths(graph.graph());
  std::string path = "a";
  while (path.size() < 4000) path += "/a";
  int64_t steps = 1'000'000;
  EXPECT_THAT(paths.KeysBelow(path, &steps), StatusIs(absl::StatusCode::kResourceExhausted));
  steps = 1'000'000;
  EXPECT_THAT(paths.KeysBelow("a/a/a", &steps), IsOkAndHolds(ElementsAre("v")));
  EXPECT_LT(steps, 1'000'000 - 3 * kObjects);
}

TEST(ObjectPathsTest, MemoryIsToldAbout) {
  GraphBuilder graph;
  const size_t empty = ObjectPaths(graph.graph()).bytes();
  for (int i = 0; i < 1000; ++i) graph.AddVariable(0, absl::StrCat("v", i), std::string(100, 'k'));
  EXPECT_GT(ObjectPaths(graph.graph()).bytes(), empty + 1000 * (sizeof(std::string) + 8));
}

// A graph with one bit damaged, at every byte: whatever still parses is walked.
TEST(ObjectPathsTest, HostileGraphsNeverCrash) {
  GraphBuilder builder = Functional();
  const std::string bytes = builder.graph().SerializeAsString();
  for (size_t bit = 0; bit < 8 * bytes.size(); bit += 5) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const absl::StatusOr<TrackableObjectGraph> graph = ParseObjectGraph(damaged);
    if (!graph.ok()) continue;
    const ObjectPaths paths(*graph);
    for (const char* path : {"", "model/l1/kernel", "model/_operations/1", "optimizer/x"}) {
      int64_t steps = kObjectPathSteps;
      paths.KeysBelow(path, &steps).IgnoreError();
    }
  }
}

}  // namespace
}  // namespace cairn
