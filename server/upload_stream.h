// One upload stream, message by message, without gRPC around it.
#ifndef CAIRN_SERVER_UPLOAD_STREAM_H_
#define CAIRN_SERVER_UPLOAD_STREAM_H_

#include <grpcpp/support/slice.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cairn/v1/transfer_service.pb.h"
#include "server/admission.h"
#include "storage/store.h"

namespace cairn::server {

// One thread. Destroyed before Finish(), what is not durable is dropped.
class UploadStream {
 public:
  // Neither is owned; both outlive this.
  UploadStream(storage::Store* store, Admission* admission)
      : store_(store), admission_(admission) {}

  // Takes a message: its fields and its payload, which need only live until return.
  // Errors: kInvalidArgument (a field; over a limit), kResourceExhausted with reason STORAGE_FULL,
  // those of SliceWriter. After an error: destroy.
  absl::Status Receive(const v1::UploadSlicesRequest& header,
                       absl::Span<const grpc::Slice> payload);

  // What to tell the client now: how far the stream is durable, if that is further than last told.
  std::optional<v1::UploadSlicesResponse> TakeAnswer();

  // After the last message: makes everything durable and gives the last answer. Errors: as Receive.
  absl::StatusOr<v1::UploadSlicesResponse> Finish();

  // The client is gone: keeps what is complete, for its next stream. Requires: no error before.
  void Salvage();

 private:
  absl::Status Open(const v1::UploadSlicesRequest& header);
  absl::Status CheckHeader(const v1::UploadSlicesRequest& header, int64_t payload_bytes) const;
  absl::Status AccountForDisk(int64_t payload_bytes);

  storage::Store* const store_;
  Admission* const admission_;
  std::unique_ptr<storage::SliceWriter> writer_;  // null before the first message
  storage::WriterProgress told_;
  int64_t bytes_until_disk_check_ = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_UPLOAD_STREAM_H_
