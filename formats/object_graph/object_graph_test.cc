#include "formats/object_graph/object_graph.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <vector>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using formats::TrackableObjectGraph;
using ::testing::HasSubstr;
using Node = TrackableObjectGraph::TrackableObject;

void AddChild(Node* node, int id, const std::string& name) {
  Node::ObjectReference* const child = node->add_children();
  child->set_node_id(id);
  child->set_local_name(name);
}

void AddValue(Node* node, const std::string& key) {
  Node::SerializedTensor* const attribute = node->add_attributes();
  attribute->set_name("VARIABLE_VALUE");
  attribute->set_checkpoint_key(key);
}

// Root -> model -> kernel (and back to the root), bias; root -> optimizer -> one slot of the
// kernel.
TrackableObjectGraph Training() {
  TrackableObjectGraph graph;
  for (int i = 0; i < 6; ++i) graph.add_nodes()->mutable_has_checkpoint_values()->set_value(true);
  AddChild(graph.mutable_nodes(0), 1, "model");
  AddChild(graph.mutable_nodes(0), 2, "optimizer");
  AddChild(graph.mutable_nodes(1), 3, "kernel");
  AddChild(graph.mutable_nodes(1), 4, "bias");
  AddChild(graph.mutable_nodes(3), 0, "owner");
  AddValue(graph.mutable_nodes(3), "model/kernel");
  AddValue(graph.mutable_nodes(4), "model/bias");
  AddValue(graph.mutable_nodes(5), "slot/m");
  Node::SlotVariableReference* const slot = graph.mutable_nodes(2)->add_slot_variables();
  slot->set_original_variable_node_id(3);
  slot->set_slot_name("m");
  slot->set_slot_variable_node_id(5);
  return graph;
}

TrackableObjectGraph Pruned(const TrackableObjectGraph& graph,
                            const std::vector<std::string>& kept) {
  const absl::StatusOr<std::string> bytes =
      PruneObjectGraph(graph.SerializeAsString(), [&](absl::string_view key) {
        return std::find(kept.begin(), kept.end(), key) != kept.end();
      });
  EXPECT_OK(bytes);
  return ParseObjectGraph(bytes.value_or("")).value();
}

std::vector<bool> HasValues(const TrackableObjectGraph& graph) {
  std::vector<bool> has_values;
  for (const Node& node : graph.nodes()) has_values.push_back(node.has_checkpoint_values().value());
  return has_values;
}

TEST(ObjectGraphTest, GraphsComeBack) {
  const TrackableObjectGraph graph = Training();
  ASSERT_OK_AND_ASSIGN(const TrackableObjectGraph parsed,
                       ParseObjectGraph(graph.SerializeAsString()));
  EXPECT_EQ(parsed.SerializeAsString(), graph.SerializeAsString());
  EXPECT_OK(ParseObjectGraph(""));
}

TEST(ObjectGraphTest, NodeIdsOutOfRangeAreErrors) {
  for (const int id : {-1, 6, 1 << 30}) {
    TrackableObjectGraph child = Training(), original = Training(), slot = Training();
    child.mutable_nodes(0)->mutable_children(0)->set_node_id(id);
    original.mutable_nodes(2)->mutable_slot_variables(0)->set_original_variable_node_id(id);
    slot.mutable_nodes(2)->mutable_slot_variables(0)->set_slot_variable_node_id(id);
    for (const TrackableObjectGraph& graph : {child, original, slot}) {
      EXPECT_THAT(ParseObjectGraph(graph.SerializeAsString()),
                  StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("of 6")));
    }
  }
}

TEST(ObjectGraphTest, HostileBytesNeverCrash) {
  const std::string bytes = Training().SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ParseObjectGraph(absl::string_view(bytes).substr(0, size)).IgnoreError();
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    PruneObjectGraph(damaged, [](absl::string_view) { return false; }).IgnoreError();
  }
  EXPECT_THAT(ParseObjectGraph("garbage"), HasReason(ErrorReason::ERROR_REASON_BAD_FILE));
}

TEST(ObjectGraphTest, GraphsOfTooManyPartsAreRefusedBeforeTheyAreParsed) {
  std::string parts;  // empty nodes, or empty children of one node: both are field 1
  for (size_t i = 0; i <= kMaxObjectGraphParts; ++i) parts.append("\x0a\x00", 2);
  std::string nested = "\x0a";
  {
    google::protobuf::io::StringOutputStream stream(&nested);
    google::protobuf::io::CodedOutputStream(&stream).WriteVarint32(parts.size());
  }
  nested += parts;
  for (const std::string& graph : {parts, nested}) {
    EXPECT_THAT(ParseObjectGraph(graph),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parts")));
  }
}

TEST(ObjectGraphTest, NamesMayBeAnyBytes) {
  TrackableObjectGraph graph = Training();
  AddValue(graph.mutable_nodes(1), "\xff\x01");
  ASSERT_OK_AND_ASSIGN(const TrackableObjectGraph parsed,
                       ParseObjectGraph(graph.SerializeAsString()));
  EXPECT_EQ(parsed.nodes(1).attributes(0).checkpoint_key(), "\xff\x01");
}

TEST(PruneObjectGraphTest, KeepingAllChangesNothing) {
  const TrackableObjectGraph graph = Training();
  EXPECT_EQ(Pruned(graph, {"model/kernel", "model/bias", "slot/m"}).SerializeAsString(),
            graph.SerializeAsString());
}

TEST(PruneObjectGraphTest, KeepsNodesAndDropsTheOthersAttributes) {
  const TrackableObjectGraph pruned = Pruned(Training(), {"model/kernel", "slot/m"});
  ASSERT_EQ(pruned.nodes_size(), 6);
  EXPECT_EQ(pruned.nodes(3).attributes(0).checkpoint_key(), "model/kernel");
  EXPECT_EQ(pruned.nodes(4).attributes_size(), 0);
  EXPECT_EQ(pruned.nodes(1).children_size(), 2);
  EXPECT_EQ(pruned.nodes(2).slot_variables_size(), 1);
  EXPECT_EQ(HasValues(pruned), (std::vector<bool>{true, true, true, true, false, true}));
}

TEST(RenameObjectGraphTest, AttributesFollowTheirTensorsAndTheirEndings) {
  TrackableObjectGraph graph = Training();
  AddValue(graph.mutable_nodes(1), "words/table");
  AddValue(graph.mutable_nodes(1), "torn/table");
  ASSERT_OK_AND_ASSIGN(const std::string bytes,
                       RenameObjectGraph(graph.SerializeAsString(),
                                         [](absl::string_view key) -> std::optional<std::string> {
                                           if (key == "model/kernel") return "net/k";
                                           if (key == "words/table-keys") return "t-keys";
                                           if (key == "words/table-values") return "t-values";
                                           if (key == "torn/table-keys") return "a-keys";
                                           if (key == "torn/table-values") return "b-values";
                                           return std::nullopt;
                                         }));
  ASSERT_OK_AND_ASSIGN(const TrackableObjectGraph renamed, ParseObjectGraph(bytes));
  EXPECT_EQ(renamed.nodes(3).attributes(0).checkpoint_key(), "net/k");
  EXPECT_EQ(renamed.nodes(4).attributes_size(), 0);
  ASSERT_EQ(renamed.nodes(1).attributes_size(), 1);
  EXPECT_EQ(renamed.nodes(1).attributes(0).checkpoint_key(), "t");
}

TEST(PruneObjectGraphTest, TablesAndIteratorsHaveTensorsOfLongerKeys) {
  TrackableObjectGraph graph = Training();
  const int values = graph.nodes(1).attributes_size();
  AddValue(graph.mutable_nodes(1), "words/table");
  AddValue(graph.mutable_nodes(1), "rows/ITERATOR");
  const auto kept = [&](const std::vector<std::string>& keys) {
    return Pruned(graph, keys).nodes(1).attributes_size() - values;
  };
  EXPECT_EQ(kept({"words/table-keys", "words/table-values", "rows/ITERATOR_STATE"}), 2);
  EXPECT_EQ(kept({"rows/ITERATOR_STATE"}), 1);
  // Half a table is none: TensorFlow would look for the other half.
  EXPECT_EQ(kept({"words/table-keys"}), 0);
  EXPECT_EQ(kept({"words/table-other", "rows/ITERATOR-keys"}), 0);
}

TEST(PruneObjectGraphTest, SlotsGoWithTheirValues) {
  const TrackableObjectGraph pruned = Pruned(Training(), {"model/bias"});
  EXPECT_EQ(pruned.nodes(2).slot_variables_size(), 0);
  // The kernel has an edge to the root, which leads to the bias.
  EXPECT_EQ(HasValues(pruned), (std::vector<bool>{true, true, false, true, true, false}));
}

TEST(PruneObjectGraphTest, CyclesWithoutValuesHaveNone) {
  EXPECT_EQ(HasValues(Pruned(Training(), {})), std::vector<bool>(6, false));
}

TEST(PruneObjectGraphTest, OlderGraphsGetNoMark) {
  TrackableObjectGraph graph = Training();
  for (Node& node : *graph.mutable_nodes()) node.clear_has_checkpoint_values();
  const TrackableObjectGraph pruned = Pruned(graph, {});
  for (const Node& node : pruned.nodes()) EXPECT_FALSE(node.has_has_checkpoint_values());
}

TEST(PruneObjectGraphTest, FieldsOfOtherVersionsAreKept) {
  TrackableObjectGraph graph = Training();
  Node::SerializedTensor* const kernel = graph.mutable_nodes(3)->mutable_attributes(0);
  kernel->GetReflection()->MutableUnknownFields(kernel)->AddVarint(4, 1);  // optional_restore
  graph.mutable_nodes(1)
      ->GetReflection()
      ->MutableUnknownFields(graph.mutable_nodes(1))
      ->AddVarint(99, 7);
  EXPECT_EQ(Pruned(graph, {"model/kernel", "model/bias", "slot/m"}).SerializeAsString(),
            graph.SerializeAsString());
}

}  // namespace
}  // namespace cairn
