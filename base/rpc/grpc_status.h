// absl::Status over gRPC and back, details kept: a caller sees the very ErrorDetail that storage
// attached. On the wire it rides in a google.rpc.Status, as gRPC's own libraries expect.
#ifndef CAIRN_BASE_RPC_GRPC_STATUS_H_
#define CAIRN_BASE_RPC_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace cairn {

grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace cairn

#endif  // CAIRN_BASE_RPC_GRPC_STATUS_H_
