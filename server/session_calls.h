// The calls of CheckpointService about save sessions, as functions of their requests;
// checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_SESSION_CALLS_H_
#define CAIRN_SERVER_SESSION_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class SessionCalls {
 public:
  explicit SessionCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::SaveSession> Create(const v1::CreateSaveSessionRequest& request);
  absl::StatusOr<v1::SaveSession> Get(const v1::GetSaveSessionRequest& request);
  absl::StatusOr<v1::ListSaveSessionsResponse> List(const v1::ListSaveSessionsRequest& request);
  absl::StatusOr<v1::SaveSession> Renew(const v1::RenewSaveSessionRequest& request);
  absl::StatusOr<v1::SaveSession> Seal(const v1::SealSaveSessionRequest& request);
  absl::StatusOr<v1::Checkpoint> Commit(const v1::CommitSaveSessionRequest& request);
  absl::StatusOr<v1::SaveSession> Abort(const v1::AbortSaveSessionRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SESSION_CALLS_H_
