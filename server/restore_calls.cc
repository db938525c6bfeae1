#include "server/restore_calls.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/convert.h"
#include "server/validate.h"

namespace cairn::server {

namespace {

// How often a reference is resolved anew when what it meant is deleted or replaced meanwhile.
constexpr int kMaxAttempts = 8;

bool HasObjectPath(const v1::OpenRestoreRequest& request) {
  return std::any_of(request.selectors().begin(), request.selectors().end(),
                     [](const v1::Selector& selector) { return selector.has_object_path(); });
}

}  // namespace

absl::StatusOr<storage::RestoreInfo> RestoreCalls::OpenInStore(
    const v1::OpenRestoreRequest& request, absl::string_view reference, ObjectSelector* objects) {
  std::vector<storage::Selector> selectors;
  for (int i = 0; i < request.selectors_size(); ++i) {
    absl::StatusOr<storage::Selector> selector = SelectorOf(
        request.selectors(i), [&](const std::string& path) { return objects->KeysBelow(path); });
    if (ReasonOf(selector.status()) == ErrorReason::ERROR_REASON_INVALID_FIELD) {
      return InvalidField(absl::StrCat("selectors[", i, "]"), selector.status().message());
    }
    CAIRN_RETURN_IF_ERROR(selector.status());
    selectors.push_back(*std::move(selector));
  }
  return services_.store->OpenRestore(request.directory(), reference, selectors,
                                      std::max(1, request.streams()));
}

absl::StatusOr<storage::RestoreInfo> RestoreCalls::OpenWithObjects(
    const v1::OpenRestoreRequest& request) {
  for (int attempt = 1;; ++attempt) {
    CAIRN_ASSIGN_OR_RETURN(
        const storage::CheckpointRecord checkpoint,
        services_.store->GetCheckpoint(request.directory(), request.checkpoint()));
    // The keys are those of this checkpoint, whatever the reference comes to mean.
    ObjectSelector objects(graphs_, request.directory(), checkpoint);
    absl::StatusOr<storage::RestoreInfo> restore =
        OpenInStore(request, UidReferenceOf(checkpoint), &objects);
    const bool is_gone =
        ReasonOf(restore.status()) == ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND;
    if (!is_gone || attempt == kMaxAttempts) return restore;
  }
}

absl::StatusOr<v1::OpenRestoreResponse> RestoreCalls::Open(const v1::OpenRestoreRequest& request) {
  CAIRN_RETURN_IF_ERROR(
      ValidateRange("streams", request.streams(), 0, storage::kMaxRestoreStreams));
  if (request.selectors_size() > storage::kMaxSelectors) {
    return InvalidField("selectors", absl::StrCat("are ", request.selectors_size(), "; at most ",
                                                  storage::kMaxSelectors, " are allowed"));
  }
  CAIRN_ASSIGN_OR_RETURN(storage::RestoreInfo restore,
                         HasObjectPath(request)
                             ? OpenWithObjects(request)
                             : OpenInStore(request, request.checkpoint(), /*objects=*/nullptr));
  v1::OpenRestoreResponse response;
  response.set_restore(restore.restore);
  response.set_uid(UidHex(restore.checkpoint.uid()));
  response.set_reference(ReferenceOf(request.directory(), restore.checkpoint));
  response.set_tensor_count(restore.tensor_count);
  response.set_total_bytes(restore.total_bytes);
  *response.mutable_expire_time() = TimestampOf(restore.expire_time);
  for (std::string& token : restore.stream_tokens) {
    response.add_stream_tokens(std::move(token));
  }
  return response;
}

absl::StatusOr<v1::RenewRestoreResponse> RestoreCalls::Renew(
    const v1::RenewRestoreRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("restore", request.restore()));
  CAIRN_ASSIGN_OR_RETURN(absl::Time expire_time, services_.store->RenewRestore(request.restore()));
  v1::RenewRestoreResponse response;
  *response.mutable_expire_time() = TimestampOf(expire_time);
  return response;
}

absl::StatusOr<google::protobuf::Empty> RestoreCalls::Close(
    const v1::CloseRestoreRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("restore", request.restore()));
  CAIRN_RETURN_IF_ERROR(services_.store->CloseRestore(request.restore()));
  return google::protobuf::Empty();
}

}  // namespace cairn::server
