// The calls of CheckpointService about restores, as functions of their requests;
// checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_RESTORE_CALLS_H_
#define CAIRN_SERVER_RESTORE_CALLS_H_

#include <google/protobuf/empty.pb.h>

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class RestoreCalls {
 public:
  explicit RestoreCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::OpenRestoreResponse> Open(const v1::OpenRestoreRequest& request);
  absl::StatusOr<v1::RenewRestoreResponse> Renew(const v1::RenewRestoreRequest& request);
  absl::StatusOr<google::protobuf::Empty> Close(const v1::CloseRestoreRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_RESTORE_CALLS_H_
