// CheckpointService over gRPC: every call is looked up, run, answered and logged here; what it does
// stands in *_calls.
#ifndef CAIRN_SERVER_CHECKPOINT_SERVICE_H_
#define CAIRN_SERVER_CHECKPOINT_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "server/services.h"

namespace cairn::server {

// `services` outlives the service, which is thread-safe.
std::unique_ptr<grpc::Service> NewCheckpointService(const Services& services);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_CHECKPOINT_SERVICE_H_
