// CopyCheckpoint, message by message, without gRPC around it; checkpoint_service.proto documents
// it.
#ifndef CAIRN_SERVER_COPY_CALL_H_
#define CAIRN_SERVER_COPY_CALL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/object_graphs.h"
#include "server/services.h"
#include "storage/store.h"

namespace cairn::server {

// One call. One thread.
class CopyCall {
 public:
  // `graphs` is not owned and outlives this.
  CopyCall(const Services& services, ObjectGraphs* graphs) : services_(services), graphs_(graphs) {}

  // Takes a message. Errors: kInvalidArgument (a field; too many renames), kResourceExhausted with
  // reason STORAGE_FULL. After an error the call is over.
  absl::Status Receive(const v1::CopyCheckpointRequest& request);

  // After the last message: copies. Errors: those of Store::CopyCheckpoint.
  absl::StatusOr<v1::Checkpoint> Finish();

 private:
  absl::Status Open(const v1::CopyCheckpointRequest& header);

  const Services services_;
  ObjectGraphs* const graphs_;
  bool opened_ = false;
  std::string directory_;
  std::string checkpoint_;
  storage::CopyOptions options_;
  int64_t rename_bytes_ = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_COPY_CALL_H_
