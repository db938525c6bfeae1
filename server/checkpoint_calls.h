// The calls of CheckpointService about checkpoints, as functions of their requests;
// checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_CHECKPOINT_CALLS_H_
#define CAIRN_SERVER_CHECKPOINT_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class CheckpointCalls {
 public:
  explicit CheckpointCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::Checkpoint> Get(const v1::GetCheckpointRequest& request);
  absl::StatusOr<v1::Checkpoint> GetLatest(const v1::GetLatestCheckpointRequest& request);
  absl::StatusOr<v1::ListCheckpointsResponse> List(const v1::ListCheckpointsRequest& request);
  absl::StatusOr<v1::Checkpoint> Delete(const v1::DeleteCheckpointRequest& request);
  absl::StatusOr<v1::Checkpoint> Save(const v1::SaveCheckpointRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CHECKPOINT_CALLS_H_
