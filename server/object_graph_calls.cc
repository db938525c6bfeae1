#include "server/object_graph_calls.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "server/convert.h"
#include "server/page_token.h"
#include "server/pinned_page.h"

namespace cairn::server {
namespace {

v1::ObjectNode NodeOf(const formats::TrackableObjectGraph::TrackableObject& object, int index) {
  v1::ObjectNode node;
  node.set_node(index);
  for (const auto& child : object.children()) {
    v1::ObjectNode::Edge* edge = node.add_children();
    edge->set_name(child.local_name());
    edge->set_node(child.node_id());
  }
  for (const auto& attribute : object.attributes()) {
    v1::ObjectNode::TensorRef* tensor = node.add_tensors();
    tensor->set_attribute(attribute.name());
    tensor->set_key(KeyTextFromBytes(attribute.checkpoint_key()));
    tensor->set_full_name(attribute.full_name());
  }
  for (const auto& slot_variable : object.slot_variables()) {
    v1::ObjectNode::Slot* slot = node.add_slots();
    slot->set_name(slot_variable.slot_name());
    slot->set_variable(slot_variable.original_variable_node_id());
    slot->set_node(slot_variable.slot_variable_node_id());
  }
  return node;
}

}  // namespace

absl::StatusOr<v1::GetObjectGraphResponse> ObjectGraphCalls::Get(
    const v1::GetObjectGraphRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(int page_size, PageSizeOf(request.page_size()));
  CAIRN_ASSIGN_OR_RETURN(PinnedPage page, OpenPinnedPage(services_.store, request));
  CAIRN_ASSIGN_OR_RETURN(const formats::TrackableObjectGraph graph,
                         graphs_->Read(request.directory(), page.checkpoint));
  int begin = 0;
  if (!page.after.empty() && (!absl::SimpleAtoi(page.after, &begin) || begin < 0)) {
    return InvalidField("page_token", "is not a token of this server");
  }
  const int end = static_cast<int>(
      std::min<int64_t>(graph.nodes_size(), static_cast<int64_t>(begin) + page_size));
  v1::GetObjectGraphResponse response;
  response.set_uid(UidHex(page.checkpoint.uid()));
  response.set_node_count(graph.nodes_size());
  for (int i = begin; i < end; ++i) *response.add_nodes() = NodeOf(graph.nodes(i), i);
  if (end < graph.nodes_size()) {
    response.set_next_page_token(PinnedPageToken(request, page.checkpoint, absl::StrCat(end)));
  }
  return response;
}

}  // namespace cairn::server
