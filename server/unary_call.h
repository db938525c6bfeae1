// How every unary call is run: looked up, answered and logged in one way.
#ifndef CAIRN_SERVER_UNARY_CALL_H_
#define CAIRN_SERVER_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/rpc/grpc_status.h"
#include "server/request_log.h"

namespace cairn::server {

// Runs `call` of `calls` as the call of this name (a literal).
template <typename Calls, typename Request, typename Response>
grpc::Status Run(absl::string_view name, grpc::ServerContext* context, Calls& calls,
                 absl::StatusOr<Response> (Calls::*call)(const Request&), const Request& request,
                 Response* response) {
  CallRecord record(name);
  context->AddTrailingMetadata(kCallIdMetadata, record.call_id());
  absl::StatusOr<Response> result = (calls.*call)(request);
  record.Finish(result.status());
  if (result.ok()) *response = *std::move(result);
  return ToGrpcStatus(result.status());
}

}  // namespace cairn::server

#endif  // CAIRN_SERVER_UNARY_CALL_H_
