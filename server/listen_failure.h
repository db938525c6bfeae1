// Why a server cannot listen, which gRPC does not say.
#ifndef CAIRN_SERVER_LISTEN_FAILURE_H_
#define CAIRN_SERVER_LISTEN_FAILURE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn::server {

// The reason why listening on `address`, HOST:PORT, failed just now, and what to do about it.
absl::Status ExplainListenFailure(absl::string_view address);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_LISTEN_FAILURE_H_
