#include "client/bulk_streams.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/sync_stream.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/rpc/payload_frame.h"
#include "client/connection_error.h"

namespace cairn {
namespace {

using grpc::internal::RpcMethod;
using RawReader = grpc::ClientReader<grpc::ByteBuffer>;
using RawReaderWriter = grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

// gRPC may hold a slice after Write() returned, so what has no owner is copied.
std::vector<grpc::Slice> PayloadSlices(absl::Span<const absl::string_view> payload,
                                       const std::shared_ptr<const void>& owner) {
  std::vector<grpc::Slice> slices;
  if (owner != nullptr) {
    slices.reserve(payload.size());
    for (absl::string_view bytes : payload) slices.push_back(SliceOf(bytes, owner));
    return slices;
  }
  size_t total_bytes = 0;
  for (absl::string_view bytes : payload) total_bytes += bytes.size();
  auto copy = std::make_shared_for_overwrite<char[]>(total_bytes);
  char* to = copy.get();
  for (absl::string_view bytes : payload) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    to += bytes.size();
  }
  const absl::string_view copied(copy.get(), total_bytes);
  slices.push_back(SliceOf(copied, std::move(copy)));
  return slices;
}

// The answers are read by a thread of their own: a server that cannot send one stops reading.
class RawUploadStream : public UploadStream {
 public:
  RawUploadStream(std::shared_ptr<grpc::Channel> channel, std::string server)
      : channel_(std::move(channel)),
        server_(std::move(server)),
        method_("/cairn.v1.TransferService/UploadSlices", RpcMethod::BIDI_STREAMING),
        stream_(
            grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
                channel_.get(), method_, &context_)),
        answer_reader_([this] { ReadAnswers(); }) {}

  ~RawUploadStream() override {
    if (finished_) return;
    context_.TryCancel();
    (void)End();
  }

  absl::Status Write(const v1::UploadSlicesRequest& header,
                     absl::Span<const absl::string_view> payload,
                     std::shared_ptr<const void> owner) override {
    if (finished_) return status_;
    if (stream_->Write(EncodeFrame(header, PayloadSlices(payload, owner)))) {
      return absl::OkStatus();
    }
    CAIRN_RETURN_IF_ERROR(End());
    status_ = absl::InternalError("the server ended an upload before it was complete");
    return status_;
  }

  absl::StatusOr<v1::UploadSlicesResponse> Finish() override {
    if (finished_) return status_;
    stream_->WritesDone();
    CAIRN_RETURN_IF_ERROR(End());
    return last_answer_;
  }

  int64_t durable_parts() const override { return durable_parts_; }
  void Cancel() override { context_.TryCancel(); }

 private:
  void ReadAnswers() {
    grpc::ByteBuffer buffer;
    std::vector<grpc::Slice> no_payload;
    while (stream_->Read(&buffer)) {
      v1::UploadSlicesResponse answer;
      answer_status_.Update(DecodeFrame(buffer, &answer, &no_payload));
      durable_parts_ = answer.durable_parts();
      last_answer_ = std::move(answer);
    }
  }

  // Takes the remaining answers and the call's status.
  absl::Status End() {
    answer_reader_.join();
    finished_ = true;
    status_ = CallStatus(server_, stream_->Finish());
    status_.Update(answer_status_);
    return status_;
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string server_;
  const RpcMethod method_;
  grpc::ClientContext context_;
  const std::unique_ptr<RawReaderWriter> stream_;
  std::atomic<int64_t> durable_parts_ = 0;
  v1::UploadSlicesResponse last_answer_;  // this and the next: the reader's until it is joined
  absl::Status answer_status_;
  bool finished_ = false;
  absl::Status status_;
  std::thread answer_reader_;  // last: uses the members above
};

class RawDownloadStream : public DownloadStream {
 public:
  RawDownloadStream(std::shared_ptr<grpc::Channel> channel, std::string server,
                    const v1::DownloadSlicesRequest& request)
      : channel_(std::move(channel)),
        server_(std::move(server)),
        method_("/cairn.v1.TransferService/DownloadSlices", RpcMethod::SERVER_STREAMING),
        stream_(grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
            channel_.get(), method_, &context_, EncodeFrame(request, {}))) {}

  ~RawDownloadStream() override {
    if (finished_) return;
    context_.TryCancel();
    (void)stream_->Finish();
  }

  absl::StatusOr<bool> Read(v1::DownloadSlicesResponse* header,
                            std::vector<absl::string_view>* payload) override {
    header->Clear();
    payload->clear();
    slices_.clear();
    if (!finished_ && stream_->Read(&buffer_)) {
      CAIRN_RETURN_IF_ERROR(DecodeFrame(buffer_, header, &slices_), "reading a restore's message");
      for (const grpc::Slice& slice : slices_) payload->push_back(ViewOf(slice));
      return true;
    }
    if (!finished_) status_ = CallStatus(server_, stream_->Finish());
    finished_ = true;
    CAIRN_RETURN_IF_ERROR(status_);
    return false;
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string server_;
  const RpcMethod method_;
  grpc::ClientContext context_;
  const std::unique_ptr<RawReader> stream_;
  grpc::ByteBuffer buffer_;
  std::vector<grpc::Slice> slices_;
  bool finished_ = false;
  absl::Status status_;
};

}  // namespace

std::unique_ptr<UploadStream> StartUpload(std::shared_ptr<grpc::Channel> channel,
                                          std::string server) {
  return std::make_unique<RawUploadStream>(std::move(channel), std::move(server));
}

std::unique_ptr<DownloadStream> StartDownload(std::shared_ptr<grpc::Channel> channel,
                                              std::string server,
                                              const v1::DownloadSlicesRequest& request) {
  return std::make_unique<RawDownloadStream>(std::move(channel), std::move(server), request);
}

}  // namespace cairn
