// CheckpointService.GetObjectGraph, as a function of its request.
#ifndef CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_
#define CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/object_graphs.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class ObjectGraphCalls {
 public:
  // `graphs` is not owned and outlives this.
  ObjectGraphCalls(const Services& services, ObjectGraphs* graphs)
      : services_(services), graphs_(graphs) {}

  absl::StatusOr<v1::GetObjectGraphResponse> Get(const v1::GetObjectGraphRequest& request);

 private:
  const Services services_;
  ObjectGraphs* const graphs_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OBJECT_GRAPH_CALLS_H_
