// ListSlices, as a function of its request; checkpoint_service.proto documents it.
#ifndef CAIRN_SERVER_SLICE_LIST_CALLS_H_
#define CAIRN_SERVER_SLICE_LIST_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class SliceListCalls {
 public:
  explicit SliceListCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::ListSlicesResponse> List(const v1::ListSlicesRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SLICE_LIST_CALLS_H_
