#include "server/session_calls.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/convert.h"
#include "server/page_token.h"
#include "server/validate.h"

namespace cairn::server {

absl::StatusOr<v1::SaveSession> SessionCalls::Create(const v1::CreateSaveSessionRequest& request) {
  const v1::SaveSession& session = request.save_session();
  CAIRN_RETURN_IF_ERROR(services_.admission->AdmitSave());
  CAIRN_RETURN_IF_ERROR(RequireField("save_session.directory", session.directory()));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionOptions options, SessionOptionsOf(session));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionInfo opened,
                         services_.store->CreateSession(session.directory(), options));
  return ToApi(session.directory(), opened);
}

absl::StatusOr<v1::SaveSession> SessionCalls::Get(const v1::GetSaveSessionRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("session", request.session()));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionInfo session,
                         services_.store->GetSession(request.directory(), request.session()));
  return ToApi(request.directory(), session);
}

absl::StatusOr<v1::ListSaveSessionsResponse> SessionCalls::List(
    const v1::ListSaveSessionsRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(int page_size, PageSizeOf(request.page_size()));
  CAIRN_ASSIGN_OR_RETURN(std::string after, DecodePageToken(request));
  CAIRN_ASSIGN_OR_RETURN(storage::ListPage<storage::SessionInfo> page,
                         services_.store->ListSessions(request.directory(), after, page_size));
  v1::ListSaveSessionsResponse response;
  for (const storage::SessionInfo& session : page.items) {
    *response.add_save_sessions() = ToApi(request.directory(), session);
  }
  response.set_next_page_token(EncodePageToken(request, page.next));
  return response;
}

absl::StatusOr<v1::SaveSession> SessionCalls::Renew(const v1::RenewSaveSessionRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("session", request.session()));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionInfo session,
                         services_.store->RenewSession(request.directory(), request.session()));
  return ToApi(request.directory(), session);
}

absl::StatusOr<v1::SaveSession> SessionCalls::Seal(const v1::SealSaveSessionRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("session", request.session()));
  CAIRN_RETURN_IF_ERROR(
      ValidateRange("slice_count", request.slice_count(), 0, std::numeric_limits<int64_t>::max()));
  CAIRN_ASSIGN_OR_RETURN(
      storage::SessionInfo session,
      services_.store->SealSession(request.directory(), request.session(),
                                   WriterOrDefault(request.writer()), request.slice_count()));
  return ToApi(request.directory(), session);
}

absl::StatusOr<v1::Checkpoint> SessionCalls::Commit(const v1::CommitSaveSessionRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("session", request.session()));
  CAIRN_ASSIGN_OR_RETURN(storage::CheckpointRecord checkpoint,
                         services_.store->CommitSession(request.directory(), request.session()));
  return ToApi(request.directory(), checkpoint);
}

absl::StatusOr<v1::SaveSession> SessionCalls::Abort(const v1::AbortSaveSessionRequest& request) {
  CAIRN_RETURN_IF_ERROR(RequireField("session", request.session()));
  if (request.reason().size() > kMaxAbortReasonBytes) {
    return InvalidField("reason", absl::StrCat("has ", request.reason().size(), " bytes; at most ",
                                               kMaxAbortReasonBytes, " are allowed"));
  }
  CAIRN_ASSIGN_OR_RETURN(
      storage::SessionInfo session,
      services_.store->AbortSession(request.directory(), request.session(), request.reason()));
  services_.collector->Wake();
  return ToApi(request.directory(), session);
}

}  // namespace cairn::server
