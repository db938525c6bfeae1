#include "server/transfer_service.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/method_handler.h>

#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/payload_frame.h"
#include "cairn/v1/transfer_service.pb.h"
#include "server/download_stream.h"
#include "server/limits.h"
#include "server/upload_stream.h"

namespace cairn::server {
namespace {

using grpc::ByteBuffer;
using grpc::internal::BidiStreamingHandler;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;
using grpc::internal::ServerStreamingHandler;

absl::Status ClientGone() {
  return absl::CancelledError("the client cancelled the call or is gone");
}

absl::Status CheckMessageSize(const ByteBuffer& message) {
  const int64_t bytes = static_cast<int64_t>(message.Length());
  if (bytes <= kMaxMessageBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("a message has ", bytes, " bytes; at most ",
                                                   kMaxMessageBytes,
                                                   " are taken, cut it into several"));
}

int64_t TotalBytes(const std::vector<grpc::Slice>& payload) {
  int64_t bytes = 0;
  for (const grpc::Slice& slice : payload) bytes += static_cast<int64_t>(slice.size());
  return bytes;
}

}  // namespace

TransferService::TransferService(const Services& services) : services_(services) {
  AddMethod(new RpcServiceMethod(
      "/cairn.v1.TransferService/UploadSlices", RpcMethod::BIDI_STREAMING,
      new BidiStreamingHandler<TransferService, ByteBuffer, ByteBuffer>(
          [](TransferService* service, grpc::ServerContext* context, UploadCall* call) {
            return service->UploadSlices(context, call);
          },
          this)));
  AddMethod(new RpcServiceMethod(
      "/cairn.v1.TransferService/DownloadSlices", RpcMethod::SERVER_STREAMING,
      new ServerStreamingHandler<TransferService, ByteBuffer, ByteBuffer>(
          [](TransferService* service, grpc::ServerContext* context, const ByteBuffer* request,
             DownloadCall* call) { return service->DownloadSlices(context, *request, call); },
          this)));
}

grpc::Status TransferService::UploadSlices(grpc::ServerContext* context, UploadCall* call) {
  CallRecord record("UploadSlices");
  context->AddTrailingMetadata(kCallIdMetadata, record.call_id());
  const absl::Status status = RunUpload(context, call, &record);
  record.Finish(status);
  return ToGrpcStatus(status);
}

grpc::Status TransferService::DownloadSlices(grpc::ServerContext* context,
                                             const ByteBuffer& request, DownloadCall* call) {
  CallRecord record("DownloadSlices");
  context->AddTrailingMetadata(kCallIdMetadata, record.call_id());
  const absl::Status status = RunDownload(request, call, &record);
  record.Finish(status);
  return ToGrpcStatus(status);
}

absl::Status TransferService::RunUpload(grpc::ServerContext* context, UploadCall* call,
                                        CallRecord* record) {
  CAIRN_ASSIGN_OR_RETURN(Admission::StreamSlot slot, services_.admission->AdmitStream());
  UploadStream upload(services_.store, services_.admission);
  ByteBuffer message;
  v1::UploadSlicesRequest header;
  std::vector<grpc::Slice> payload;
  while (call->Read(&message)) {
    CAIRN_RETURN_IF_ERROR(CheckMessageSize(message));
    CAIRN_RETURN_IF_ERROR(DecodeFrame(message, &header, &payload));
    record->AddBytes(TotalBytes(payload));
    CAIRN_RETURN_IF_ERROR(upload.Receive(header, payload));
    std::optional<v1::UploadSlicesResponse> answer = upload.TakeAnswer();
    if (answer.has_value() && !call->Write(EncodeFrame(*answer, {}))) {
      upload.Salvage();
      return ClientGone();
    }
  }
  // A broken connection ends the reading just as a half-close does.
  if (context->IsCancelled()) {
    upload.Salvage();
    return ClientGone();
  }
  CAIRN_ASSIGN_OR_RETURN(v1::UploadSlicesResponse last, upload.Finish());
  return call->Write(EncodeFrame(last, {})) ? absl::OkStatus() : ClientGone();
}

absl::Status TransferService::RunDownload(const ByteBuffer& request, DownloadCall* call,
                                          CallRecord* record) {
  CAIRN_RETURN_IF_ERROR(CheckMessageSize(request));
  CAIRN_ASSIGN_OR_RETURN(Admission::StreamSlot slot, services_.admission->AdmitStream());
  v1::DownloadSlicesRequest parsed;
  std::vector<grpc::Slice> payload;
  CAIRN_RETURN_IF_ERROR(DecodeFrame(request, &parsed, &payload));
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<DownloadStream> download,
                         DownloadStream::Open(services_.store, parsed.token()));
  v1::DownloadSlicesResponse header;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(bool more, download->Next(&header, &payload));
    if (!more) return absl::OkStatus();
    record->AddBytes(TotalBytes(payload));
    // Never with a buffer hint: on a synchronous stream that waits for ever.
    if (!call->Write(EncodeFrame(header, payload))) return ClientGone();
  }
}

}  // namespace cairn::server
