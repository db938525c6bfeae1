// TransferService over gRPC: drives upload_stream and download_stream with raw messages, so that no
// payload is copied through protobuf.
#ifndef CAIRN_SERVER_TRANSFER_SERVICE_H_
#define CAIRN_SERVER_TRANSFER_SERVICE_H_

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>

#include "absl/status/status.h"
#include "server/request_log.h"
#include "server/services.h"

namespace cairn::server {

// Registers its methods itself: gRPC 1.51 generates synchronous methods with parsed messages only.
// Thread-safe.
class TransferService final : public grpc::Service {
 public:
  explicit TransferService(const Services& services);

 private:
  using UploadCall = grpc::ServerReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  using DownloadCall = grpc::ServerWriter<grpc::ByteBuffer>;

  grpc::Status UploadSlices(grpc::ServerContext* context, UploadCall* call);
  grpc::Status DownloadSlices(grpc::ServerContext* context, const grpc::ByteBuffer& request,
                              DownloadCall* call);

  absl::Status RunUpload(grpc::ServerContext* context, UploadCall* call, CallRecord* record);
  absl::Status RunDownload(const grpc::ByteBuffer& request, DownloadCall* call, CallRecord* record);

  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_TRANSFER_SERVICE_H_
