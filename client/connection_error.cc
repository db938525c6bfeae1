#include "client/connection_error.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/rpc/grpc_status.h"

namespace cairn {

absl::Status CallStatus(absl::string_view server, const grpc::Status& status) {
  absl::Status result = FromGrpcStatus(status);
  if (result.ok() || ReasonOf(result) != ErrorReason::ERROR_REASON_UNSPECIFIED) return result;
  if (absl::IsUnavailable(result)) {
    return MakeError(
        ErrorReason::ERROR_REASON_CONNECTION_LOST, absl::StatusCode::kUnavailable,
        absl::StrCat("cannot reach the server at ", server, ": ", result.message(),
                     "; start it with `cairnd --data=DIR`, or name another with --server"),
        {{"server", server}});
  }
  if (absl::IsDeadlineExceeded(result)) {
    return MakeError(
        ErrorReason::ERROR_REASON_CONNECTION_LOST, absl::StatusCode::kDeadlineExceeded,
        absl::StrCat("the server at ", server,
                     " did not answer in time; see whether it is overloaded, then try again"),
        {{"server", server}});
  }
  return result;
}

}  // namespace cairn
