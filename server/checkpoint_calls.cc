#include "server/checkpoint_calls.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/convert.h"
#include "server/inline_save.h"
#include "server/page_token.h"
#include "server/validate.h"

namespace cairn::server {
namespace {

using storage::CheckpointOrder;

absl::StatusOr<CheckpointOrder> OrderOf(absl::string_view order_by) {
  if (order_by.empty() || order_by == "commit") return CheckpointOrder::kCommit;
  if (order_by == "commit desc") return CheckpointOrder::kCommitDescending;
  if (order_by == "number") return CheckpointOrder::kNumber;
  if (order_by == "number desc") return CheckpointOrder::kNumberDescending;
  return InvalidField("order_by", absl::StrCat("is '", order_by,
                                               "'; there are \"commit\", \"commit desc\", "
                                               "\"number\" and \"number desc\""));
}

}  // namespace

absl::StatusOr<v1::Checkpoint> CheckpointCalls::Get(const v1::GetCheckpointRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->GetCheckpoint(request.directory(), request.checkpoint()));
  return ToApi(request.directory(), checkpoint);
}

absl::StatusOr<v1::Checkpoint> CheckpointCalls::GetLatest(
    const v1::GetLatestCheckpointRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->GetCheckpoint(request.directory(), "latest"));
  return ToApi(request.directory(), checkpoint);
}

absl::StatusOr<v1::ListCheckpointsResponse> CheckpointCalls::List(
    const v1::ListCheckpointsRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(int page_size, PageSizeOf(request.page_size()));
  CAIRN_ASSIGN_OR_RETURN(CheckpointOrder order, OrderOf(request.order_by()));
  CAIRN_ASSIGN_OR_RETURN(std::string after, DecodePageToken(request));
  CAIRN_ASSIGN_OR_RETURN(
      storage::ListPage<storage::CheckpointRecord> page,
      services_.store->ListCheckpoints(request.directory(), order, after, page_size));
  v1::ListCheckpointsResponse response;
  for (const storage::CheckpointRecord& checkpoint : page.items) {
    *response.add_checkpoints() = ToApi(request.directory(), checkpoint);
  }
  response.set_next_page_token(EncodePageToken(request, page.next));
  return response;
}

absl::StatusOr<v1::Checkpoint> CheckpointCalls::Delete(const v1::DeleteCheckpointRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireLastingReference(request.checkpoint()));
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->DeleteCheckpoint(
                             request.directory(), request.checkpoint(), request.request_id()));
  services_.collector->Wake();
  return ToApi(request.directory(), checkpoint);
}

absl::StatusOr<v1::Checkpoint> CheckpointCalls::Save(const v1::SaveCheckpointRequest& request) {
  CAIRN_RETURN_IF_ERROR(services_.admission->AdmitSave());
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         SaveInline(services_.store, request));
  return ToApi(request.directory(), checkpoint);
}

}  // namespace cairn::server
