// One download stream, message by message, without gRPC around it.
#ifndef CAIRN_SERVER_DOWNLOAD_STREAM_H_
#define CAIRN_SERVER_DOWNLOAD_STREAM_H_

#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/v1/transfer_service.pb.h"
#include "storage/store.h"

namespace cairn::server {

// One thread.
class DownloadStream {
 public:
  // Begins where `token` stands. `store` is not owned and outlives the stream.
  // Errors: those of Store::NewSliceReader.
  static absl::StatusOr<std::unique_ptr<DownloadStream>> Open(storage::Store* store,
                                                              absl::string_view token);

  // Makes the next message: `header` and a payload that shares storage's memory. False after the
  // last one; there is at least one. Errors: kDataLoss naming the key.
  absl::StatusOr<bool> Next(v1::DownloadSlicesResponse* header, std::vector<grpc::Slice>* payload);

 private:
  // Parts that the reader returned together, which make one message, and the token after them.
  struct Batch {
    std::vector<storage::OutgoingPart> parts;
    std::string next_token;
  };

  explicit DownloadStream(std::unique_ptr<storage::SliceReader> reader)
      : reader_(std::move(reader)) {}

  absl::StatusOr<Batch> ReadBatch();
  absl::Status Advance();

  const std::unique_ptr<storage::SliceReader> reader_;
  Batch current_;
  // Read before the current batch is sent: only so is it known which message is the last.
  absl::StatusOr<Batch> ahead_ = Batch();
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_DOWNLOAD_STREAM_H_
