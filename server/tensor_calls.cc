#include "server/tensor_calls.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/dtype.h"
#include "base/error.h"
#include "server/convert.h"
#include "server/object_selector.h"
#include "server/page_token.h"
#include "server/pinned_page.h"
#include "server/preview.h"
#include "server/slice_collect.h"
#include "server/validate.h"

namespace cairn::server {

absl::StatusOr<v1::Tensor> TensorCalls::Get(const v1::GetTensorRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("key", request.key()));
  CAIRN_ASSIGN_OR_RETURN(storage::TensorKind kind, KindOf(request.kind()));
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->GetCheckpoint(request.directory(), request.checkpoint()));
  CAIRN_ASSIGN_OR_RETURN(storage::TensorInfo tensor,
                         services_.store->GetTensor(checkpoint, kind, request.key()));
  if (request.view() == v1::TENSOR_VIEW_BASIC) tensor.slices.clear();
  return ToApi(tensor);
}

absl::StatusOr<v1::ListTensorsResponse> TensorCalls::List(const v1::ListTensorsRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(int page_size, PageSizeOf(request.page_size()));
  storage::Selector selector;
  CAIRN_ASSIGN_OR_RETURN(selector.kind, KindOf(request.kind()));
  if (request.has_object_path() && !request.key_prefix().empty()) {
    return InvalidField("object_path", "is given with a key_prefix; give one of them");
  }
  if (request.has_object_path() && selector.kind != storage::TensorKind::kTensor) {
    return InvalidField("object_path", "selects tensors; attachments belong to no object");
  }
  CAIRN_ASSIGN_OR_RETURN(PinnedPage start, OpenPinnedPage(services_.store, request));
  if (request.has_object_path()) {
    ObjectSelector objects(graphs_, request.directory(), start.checkpoint);
    CAIRN_ASSIGN_OR_RETURN(selector.keys, objects.KeysBelow(request.object_path()));
  } else {
    selector.key_prefix = request.key_prefix();
  }
  const bool with_slices = request.view() == v1::TENSOR_VIEW_FULL;
  CAIRN_ASSIGN_OR_RETURN(storage::ListPage<storage::TensorInfo> page,
                         services_.store->ListTensors(start.checkpoint, selector, with_slices,
                                                      start.after, page_size));
  v1::ListTensorsResponse response;
  response.set_uid(UidHex(start.checkpoint.uid()));
  response.set_reference(ReferenceOf(request.directory(), start.checkpoint));
  for (const storage::TensorInfo& tensor : page.items) *response.add_tensors() = ToApi(tensor);
  response.set_next_page_token(PinnedPageToken(request, start.checkpoint, page.next));
  return response;
}

absl::StatusOr<v1::PreviewTensorResponse> TensorCalls::PreviewTensor(
    const v1::PreviewTensorRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("key", request.key()));
  CAIRN_RETURN_IF_ERROR(ValidateRange("max_values", request.max_values(), 0, kMaxPreviewValues));
  const int64_t count = request.max_values() == 0 ? kDefaultPreviewValues : request.max_values();
  CAIRN_ASSIGN_OR_RETURN(storage::TensorKind kind, KindOf(request.kind()));
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->GetCheckpoint(request.directory(), request.checkpoint()));
  CAIRN_ASSIGN_OR_RETURN(storage::TensorInfo tensor,
                         services_.store->GetTensor(checkpoint, kind, request.key()));
  tensor.slices.clear();
  CAIRN_ASSIGN_OR_RETURN(Box box, ResolveBox(ExtentsOf(request.slice()), tensor.shape));
  std::optional<Dtype> info = FindDtype(tensor.dtype);
  if (!info.has_value()) return absl::DataLossError(absl::StrCat("unknown dtype ", tensor.dtype));

  // Only what has a fixed width can be read from the middle.
  const Box wanted = IsFixedWidth(*info) ? FirstElementsBox(box, count) : box;
  storage::Selector selector;
  selector.kind = kind;
  selector.key = request.key();
  if (wanted != WholeBox(tensor.shape)) {
    for (int i = 0; i < wanted.rank(); ++i) {
      selector.slice.push_back({wanted.start[i], wanted.length[i]});
    }
  }
  CAIRN_ASSIGN_OR_RETURN(
      std::vector<SliceBytes> slices,
      CollectSlices(services_.store, request.directory(), checkpoint, selector, kMaxPreviewBytes));
  Preview preview = PreviewOf(tensor.dtype, *info, wanted, std::min(count, Volume(box)), slices);
  v1::PreviewTensorResponse response;
  response.set_uid(UidHex(checkpoint.uid()));
  response.set_reference(ReferenceOf(request.directory(), checkpoint));
  *response.mutable_tensor() = ToApi(tensor);
  response.mutable_values()->Add(preview.values.begin(), preview.values.end());
  for (std::string& text : preview.texts) *response.add_texts() = std::move(text);
  response.set_element_count(Volume(box));
  return response;
}

}  // namespace cairn::server
