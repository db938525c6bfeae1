// CheckpointService.GetObjectGraph, as a function of its request.
#ifndef CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_
#define CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class ObjectGraphCalls {
 public:
  explicit ObjectGraphCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::GetObjectGraphResponse> Get(const v1::GetObjectGraphRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_
