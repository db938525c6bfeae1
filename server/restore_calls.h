// The calls of CheckpointService about restores, as functions of their requests;
// checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_RESTORE_CALLS_H_
#define CAIRN_SERVER_RESTORE_CALLS_H_

#include <google/protobuf/empty.pb.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/object_graphs.h"
#include "server/object_selector.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class RestoreCalls {
 public:
  // `graphs` is not owned and outlives this.
  RestoreCalls(const Services& services, ObjectGraphs* graphs)
      : services_(services), graphs_(graphs) {}

  absl::StatusOr<v1::OpenRestoreResponse> Open(const v1::OpenRestoreRequest& request);
  absl::StatusOr<v1::RenewRestoreResponse> Renew(const v1::RenewRestoreRequest& request);
  absl::StatusOr<google::protobuf::Empty> Close(const v1::CloseRestoreRequest& request);

 private:
  // Opens the checkpoint that `reference` names, with what `objects` makes of object paths.
  absl::StatusOr<storage::RestoreInfo> OpenInStore(const v1::OpenRestoreRequest& request,
                                                   absl::string_view reference,
                                                   ObjectSelector* objects);
  absl::StatusOr<storage::RestoreInfo> OpenWithObjects(const v1::OpenRestoreRequest& request);

  const Services services_;
  ObjectGraphs* const graphs_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_RESTORE_CALLS_H_
