#include "formats/object_graph/object_graph.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

using formats::TrackableObjectGraph;
using Node = formats::TrackableObjectGraph::TrackableObject;
using google::protobuf::internal::WireFormatLite;

absl::Status BadGraph(absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                   absl::StrCat("not an object graph: ", what));
}

// How many messages and strings `bytes` holds at its first `levels` levels, up to a little more
// than `limit`; what does not parse counts as none. A parsed message takes fifty times its bytes
// and more, so that a graph is counted before it is parsed.
size_t CountParts(absl::string_view bytes, int levels, size_t limit) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  size_t parts = 0;
  while (const uint32_t tag = input.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag)) return parts;
      ++parts;
      continue;
    }
    uint32_t size = 0;
    if (!input.ReadVarint32(&size)) return parts;
    const auto start = static_cast<size_t>(input.CurrentPosition());
    if (size > bytes.size() - start || !input.Skip(static_cast<int>(size))) return parts;
    ++parts;
    if (levels > 1) parts += CountParts(bytes.substr(start, size), levels - 1, limit - parts);
    if (parts > limit) return parts;
  }
  return parts;
}

absl::Status CheckNodeId(int id, int nodes, int holder) {
  if (id >= 0 && id < nodes) return absl::OkStatus();
  return BadGraph(absl::StrCat("node ", holder, " refers to node ", id, " of ", nodes));
}

absl::Status CheckNodeIds(const TrackableObjectGraph& graph) {
  const int nodes = graph.nodes_size();
  for (int i = 0; i < nodes; ++i) {
    for (const Node::ObjectReference& child : graph.nodes(i).children()) {
      CAIRN_RETURN_IF_ERROR(CheckNodeId(child.node_id(), nodes, i));
    }
    for (const Node::SlotVariableReference& slot : graph.nodes(i).slot_variables()) {
      CAIRN_RETURN_IF_ERROR(CheckNodeId(slot.original_variable_node_id(), nodes, i));
      CAIRN_RETURN_IF_ERROR(CheckNodeId(slot.slot_variable_node_id(), nodes, i));
    }
  }
  return absl::OkStatus();
}

// Removes the elements of a repeated message field that `drop` accepts; the others keep their
// order.
template <typename Message>
void RemoveIf(absl::FunctionRef<bool(const Message&)> drop,
              google::protobuf::RepeatedPtrField<Message>* field) {
  int kept = 0;
  for (int i = 0; i < field->size(); ++i) {
    if (drop(field->Get(i))) continue;
    if (i != kept) field->SwapElements(i, kept);
    ++kept;
  }
  field->DeleteSubrange(kept, field->size() - kept);
}

using NewKey = absl::FunctionRef<std::optional<std::string>(absl::string_view)>;

// What an attribute calls its tensors when they have their new keys; nullopt: not all are kept.
std::optional<std::string> NewCheckpointKey(absl::string_view checkpoint_key, NewKey new_key) {
  for (const auto& suffixes : kTensorKeySuffixes) {
    std::array<std::optional<std::string>, 2> stems;
    for (size_t i = 0; i < suffixes.size(); ++i) {
      stems[i] = new_key(absl::StrCat(checkpoint_key, suffixes[i]));
      if (!stems[i] || !absl::EndsWith(*stems[i], suffixes[i])) stems[i].reset();
      if (!stems[i]) break;
      stems[i]->resize(stems[i]->size() - suffixes[i].size());
    }
    if (stems[0] && stems[0] == stems[1]) return stems[0];
  }
  return std::nullopt;
}

// Marks every node that has a value of its own or below it.
std::vector<bool> NodesWithValues(const TrackableObjectGraph& graph) {
  std::vector<std::vector<int>> parents(graph.nodes_size());
  std::vector<bool> has_values(graph.nodes_size(), false);
  std::vector<int> pending;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    for (const Node::ObjectReference& child : node.children())
      parents[child.node_id()].push_back(i);
    if (node.attributes_size() > 0 || node.slot_variables_size() > 0 ||
        node.has_registered_saver()) {
      has_values[i] = true;
      pending.push_back(i);
    }
  }
  while (!pending.empty()) {
    const int node = pending.back();
    pending.pop_back();
    for (const int parent : parents[node]) {
      if (has_values[parent]) continue;
      has_values[parent] = true;
      pending.push_back(parent);
    }
  }
  return has_values;
}

}  // namespace

absl::StatusOr<TrackableObjectGraph> ParseObjectGraph(absl::string_view bytes) {
  if (bytes.size() > kMaxObjectGraphBytes) {
    return BadGraph(
        absl::StrCat("its ", bytes.size(), " bytes pass the limit of ", kMaxObjectGraphBytes));
  }
  // The levels: graph, node, reference or attribute.
  if (CountParts(bytes, 3, kMaxObjectGraphParts) > kMaxObjectGraphParts) {
    return BadGraph(absl::StrCat("it has more than ", kMaxObjectGraphParts, " parts"));
  }
  TrackableObjectGraph graph;
  if (!graph.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return BadGraph("its bytes do not parse");
  }
  CAIRN_RETURN_IF_ERROR(CheckNodeIds(graph));
  return graph;
}

absl::StatusOr<std::string> PruneObjectGraph(
    absl::string_view bytes, absl::FunctionRef<bool(absl::string_view tensor_key)> kept) {
  return RenameObjectGraph(bytes, [&](absl::string_view key) {
    return kept(key) ? std::optional<std::string>(key) : std::nullopt;
  });
}

absl::StatusOr<std::string> RenameObjectGraph(absl::string_view bytes, NewKey new_key) {
  CAIRN_ASSIGN_OR_RETURN(TrackableObjectGraph graph, ParseObjectGraph(bytes));
  std::vector<bool> emptied(graph.nodes_size(), false);
  for (int i = 0; i < graph.nodes_size(); ++i) {
    auto* const attributes = graph.mutable_nodes(i)->mutable_attributes();
    const bool had_values = !attributes->empty();
    for (Node::SerializedTensor& attribute : *attributes) {
      const std::optional<std::string> key = NewCheckpointKey(attribute.checkpoint_key(), new_key);
      attribute.set_checkpoint_key(key.value_or(std::string()));
    }
    RemoveIf<Node::SerializedTensor>(
        [](const Node::SerializedTensor& attribute) { return attribute.checkpoint_key().empty(); },
        attributes);
    emptied[i] = had_values && attributes->empty();
  }
  for (Node& node : *graph.mutable_nodes()) {
    RemoveIf<Node::SlotVariableReference>(
        [&](const Node::SlotVariableReference& slot) {
          return emptied[slot.slot_variable_node_id()];
        },
        node.mutable_slot_variables());
  }
  const std::vector<bool> has_values = NodesWithValues(graph);
  for (int i = 0; i < graph.nodes_size(); ++i) {
    Node* const node = graph.mutable_nodes(i);
    if (node->has_has_checkpoint_values()) {
      node->mutable_has_checkpoint_values()->set_value(has_values[i]);
    }
  }
  return graph.SerializeAsString();
}

}  // namespace cairn
