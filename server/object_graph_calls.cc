#include "server/object_graph_calls.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/object_graph/object_graph.h"
#include "server/convert.h"
#include "server/page_token.h"
#include "server/pinned_page.h"
#include "server/slice_collect.h"

namespace cairn::server {
namespace {

// In front of the one string of a scalar.
constexpr size_t kLengthBytes = 8;

absl::Status NoGraph(absl::string_view reference) {
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat(reference,
                                " holds no object graph: it was not saved with the "
                                "objects of a program; ListTensors shows its keys"),
                   {{"selector", kObjectGraphKey}});
}

// The serialized graph. Errors: kNotFound (there is none).
absl::StatusOr<std::string> ReadGraph(storage::Store* store, absl::string_view directory,
                                      const storage::CheckpointRecord& checkpoint) {
  constexpr auto kKind = storage::TensorKind::kTensor;
  absl::StatusOr<storage::TensorInfo> tensor = store->GetTensor(checkpoint, kKind, kObjectGraphKey);
  if (absl::IsNotFound(tensor.status())) return NoGraph(ReferenceOf(directory, checkpoint));
  CAIRN_RETURN_IF_ERROR(tensor.status());
  if (tensor->dtype != "string" || !tensor->shape.empty()) {
    return NoGraph(ReferenceOf(directory, checkpoint));
  }
  storage::Selector selector;
  selector.kind = kKind;
  selector.key = kObjectGraphKey;
  CAIRN_ASSIGN_OR_RETURN(std::vector<SliceBytes> slices,
                         CollectSlices(store, directory, checkpoint, selector,
                                       kMaxObjectGraphBytes + kLengthBytes + 1));
  if (slices.size() != 1 || slices[0].bytes.size() < kLengthBytes) {
    return NoGraph(ReferenceOf(directory, checkpoint));
  }
  return slices[0].bytes.substr(kLengthBytes);
}

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
  CAIRN_ASSIGN_OR_RETURN(std::string bytes,
                         ReadGraph(services_.store, request.directory(), page.checkpoint));
  CAIRN_ASSIGN_OR_RETURN(
      formats::TrackableObjectGraph graph, ParseObjectGraph(bytes),
      absl::StrCat("the object graph of ", ReferenceOf(request.directory(), page.checkpoint)));
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
