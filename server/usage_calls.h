// The call of CheckpointService about space, as a function of its request;
// checkpoint_service.proto documents it.
#ifndef CAIRN_SERVER_USAGE_CALLS_H_
#define CAIRN_SERVER_USAGE_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class UsageCalls {
 public:
  explicit UsageCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::Usage> Get(const v1::GetUsageRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_USAGE_CALLS_H_
