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

absl::StatusOr<v1::OpenRestoreResponse> RestoreCalls::Open(const v1::OpenRestoreRequest& request) {
  CAIRN_RETURN_IF_ERROR(
      ValidateRange("streams", request.streams(), 0, storage::kMaxRestoreStreams));
  if (request.selectors_size() > storage::kMaxSelectors) {
    return InvalidField("selectors", absl::StrCat("are ", request.selectors_size(), "; at most ",
                                                  storage::kMaxSelectors, " are allowed"));
  }
  std::vector<storage::Selector> selectors;
  for (int i = 0; i < request.selectors_size(); ++i) {
    absl::StatusOr<storage::Selector> selector = SelectorOf(request.selectors(i));
    if (!selector.ok()) {
      return InvalidField(absl::StrCat("selectors[", i, "]"), selector.status().message());
    }
    selectors.push_back(*std::move(selector));
  }
  CAIRN_ASSIGN_OR_RETURN(storage::RestoreInfo restore,
                         services_.store->OpenRestore(request.directory(), request.checkpoint(),
                                                      selectors, std::max(1, request.streams())));
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
