// Failures that gRPC itself makes, told in our terms.
#ifndef CAIRN_CLIENT_CONNECTION_ERROR_H_
#define CAIRN_CLIENT_CONNECTION_ERROR_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn {

// What a call to `server` ("HOST:PORT") ended with. A status of the server's comes as the server
// made it; a broken or missing connection and a deadline that passed get the reason
// CONNECTION_LOST.
absl::Status CallStatus(absl::string_view server, const grpc::Status& status);

}  // namespace cairn

#endif  // CAIRN_CLIENT_CONNECTION_ERROR_H_
