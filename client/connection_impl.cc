#include "client/connection_impl.h"

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cairn/admin/v1/admin_service.grpc.pb.h"
#include "client/bulk_streams.h"
#include "client/connection_error.h"

namespace cairn {
namespace {

// A commit of very many slices takes the longest.
constexpr int kUnaryDeadlineSeconds = 300;
// A page of 1000 tensors with the longest keys is above gRPC's default of 4 MiB.
constexpr int kMaxReceiveBytes = 64 << 20;
constexpr int kUnaryChannel = -1;

grpc::ChannelArguments ArgumentsFor(int channel_id) {
  grpc::ChannelArguments arguments;
  // Channels with equal arguments would share one connection.
  arguments.SetInt("cairn.channel_id", channel_id);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  return arguments;
}

// "HOST:PORT", the host not empty, an IPv6 address in brackets.
bool IsHostAndPort(absl::string_view server) {
  const size_t colon = server.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view host = server.substr(0, colon);
  int port = 0;
  if (!absl::SimpleAtoi(server.substr(colon + 1), &port) || port < 1 || port > 65535) return false;
  const bool bracketed = host.front() == '[' && host.back() == ']';
  return bracketed || host.find_first_of(":[]/") == absl::string_view::npos;
}

}  // namespace

ConnectionImpl::ConnectionImpl(absl::string_view server, const RetryPolicy& policy, Clock* clock,
                               Random* random)
    : server_(server), policy_(policy), clock_(clock), random_(random) {}

std::shared_ptr<grpc::Channel> ConnectionImpl::ChannelFor(int channel_id) {
  MutexLock lock(&mutex_);
  std::shared_ptr<grpc::Channel>& channel = channels_[channel_id];
  // A channel that failed to connect goes on answering with that failure for seconds after the
  // server is back; a new one connects at once.
  if (channel == nullptr || channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    channel = grpc::CreateCustomChannel(server_, grpc::InsecureChannelCredentials(),
                                        ArgumentsFor(channel_id));
  }
  return channel;
}

template <typename Response>
absl::StatusOr<Response> ConnectionImpl::Retry(
    absl::FunctionRef<grpc::Status(grpc::ClientContext*, Response*)> attempt) {
  Backoff backoff(policy_, clock_, random_);
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(gpr_time_from_seconds(kUnaryDeadlineSeconds, GPR_TIMESPAN));
    Response response;
    const absl::Status status = CallStatus(server_, attempt(&context, &response));
    if (status.ok()) return response;
    if (!backoff.WaitToRetry(status)) return status;
  }
}

template <typename Request, typename Response>
absl::StatusOr<Response> ConnectionImpl::Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                           const Request&,
                                                                           Response*),
                                              const Request& request) {
  return Retry<Response>([&](grpc::ClientContext* context, Response* response) {
    const std::unique_ptr<Stub> stub = v1::CheckpointService::NewStub(ChannelFor(kUnaryChannel));
    return (stub.get()->*method)(context, request, response);
  });
}

template <typename Request>
Request ConnectionImpl::WithRequestId(Request request) const {
  if (request.request_id().empty()) request.set_request_id(random_->NextUid().ToHex());
  return request;
}

std::unique_ptr<UploadStream> ConnectionImpl::UploadSlices(int index) {
  return StartUpload(ChannelFor(index), server_);
}

std::unique_ptr<DownloadStream> ConnectionImpl::DownloadSlices(
    int index, const v1::DownloadSlicesRequest& request) {
  return StartDownload(ChannelFor(index), server_, request);
}

absl::StatusOr<v1::ServerInfo> ConnectionImpl::GetServerInfo(
    const v1::GetServerInfoRequest& request) {
  return Call(&Stub::GetServerInfo, request);
}

absl::StatusOr<v1::Directory> ConnectionImpl::GetDirectory(const v1::GetDirectoryRequest& request) {
  return Call(&Stub::GetDirectory, request);
}

absl::StatusOr<v1::ListDirectoriesResponse> ConnectionImpl::ListDirectories(
    const v1::ListDirectoriesRequest& request) {
  return Call(&Stub::ListDirectories, request);
}

absl::StatusOr<v1::Directory> ConnectionImpl::CreateDirectory(
    const v1::CreateDirectoryRequest& request) {
  return Call(&Stub::CreateDirectory, WithRequestId(request));
}

absl::StatusOr<v1::Directory> ConnectionImpl::UpdateDirectory(
    const v1::UpdateDirectoryRequest& request) {
  return Call(&Stub::UpdateDirectory, WithRequestId(request));
}

absl::Status ConnectionImpl::DeleteDirectory(const v1::DeleteDirectoryRequest& request) {
  return Call(&Stub::DeleteDirectory, WithRequestId(request)).status();
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::GetCheckpoint(
    const v1::GetCheckpointRequest& request) {
  return Call(&Stub::GetCheckpoint, request);
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::GetLatestCheckpoint(
    const v1::GetLatestCheckpointRequest& request) {
  return Call(&Stub::GetLatestCheckpoint, request);
}

absl::StatusOr<v1::ListCheckpointsResponse> ConnectionImpl::ListCheckpoints(
    const v1::ListCheckpointsRequest& request) {
  return Call(&Stub::ListCheckpoints, request);
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::DeleteCheckpoint(
    const v1::DeleteCheckpointRequest& request) {
  return Call(&Stub::DeleteCheckpoint, WithRequestId(request));
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::SaveCheckpoint(
    const v1::SaveCheckpointRequest& request) {
  return Call(&Stub::SaveCheckpoint, WithRequestId(request));
}

absl::StatusOr<v1::Tensor> ConnectionImpl::GetTensor(const v1::GetTensorRequest& request) {
  return Call(&Stub::GetTensor, request);
}

absl::StatusOr<v1::ListTensorsResponse> ConnectionImpl::ListTensors(
    const v1::ListTensorsRequest& request) {
  return Call(&Stub::ListTensors, request);
}

absl::StatusOr<v1::PreviewTensorResponse> ConnectionImpl::PreviewTensor(
    const v1::PreviewTensorRequest& request) {
  return Call(&Stub::PreviewTensor, request);
}

absl::StatusOr<v1::ListSlicesResponse> ConnectionImpl::ListSlices(
    const v1::ListSlicesRequest& request) {
  return Call(&Stub::ListSlices, request);
}

absl::StatusOr<v1::Usage> ConnectionImpl::GetUsage(const v1::GetUsageRequest& request) {
  return Call(&Stub::GetUsage, request);
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::CopyCheckpoint(
    absl::Span<const v1::CopyCheckpointRequest> messages) {
  if (messages.empty()) return InvalidField("messages", "are none; the first names the source");
  const v1::CopyCheckpointRequest header = WithRequestId(messages.front());
  return Retry<v1::Checkpoint>([&](grpc::ClientContext* context, v1::Checkpoint* response) {
    const std::unique_ptr<Stub> stub = v1::CheckpointService::NewStub(ChannelFor(kUnaryChannel));
    const auto writer = stub->CopyCheckpoint(context, response);
    // A failed write has its reason in the call's status.
    bool more = writer->Write(header);
    for (size_t i = 1; more && i < messages.size(); ++i) more = writer->Write(messages[i]);
    writer->WritesDone();
    return writer->Finish();
  });
}

absl::StatusOr<v1::GetObjectGraphResponse> ConnectionImpl::GetObjectGraph(
    const v1::GetObjectGraphRequest& request) {
  return Call(&Stub::GetObjectGraph, request);
}

absl::StatusOr<v1::SaveSession> ConnectionImpl::CreateSaveSession(
    const v1::CreateSaveSessionRequest& request) {
  v1::CreateSaveSessionRequest named = request;
  v1::SaveSession& session = *named.mutable_save_session();
  if (session.session().empty()) session.set_session(random_->NextUid().ToHex());
  return Call(&Stub::CreateSaveSession, named);
}

absl::StatusOr<v1::SaveSession> ConnectionImpl::GetSaveSession(
    const v1::GetSaveSessionRequest& request) {
  return Call(&Stub::GetSaveSession, request);
}

absl::StatusOr<v1::ListSaveSessionsResponse> ConnectionImpl::ListSaveSessions(
    const v1::ListSaveSessionsRequest& request) {
  return Call(&Stub::ListSaveSessions, request);
}

absl::StatusOr<v1::SaveSession> ConnectionImpl::RenewSaveSession(
    const v1::RenewSaveSessionRequest& request) {
  return Call(&Stub::RenewSaveSession, request);
}

absl::StatusOr<v1::SaveSession> ConnectionImpl::SealSaveSession(
    const v1::SealSaveSessionRequest& request) {
  return Call(&Stub::SealSaveSession, request);
}

absl::StatusOr<v1::Checkpoint> ConnectionImpl::CommitSaveSession(
    const v1::CommitSaveSessionRequest& request) {
  return Call(&Stub::CommitSaveSession, request);
}

absl::StatusOr<v1::SaveSession> ConnectionImpl::AbortSaveSession(
    const v1::AbortSaveSessionRequest& request) {
  return Call(&Stub::AbortSaveSession, request);
}

absl::StatusOr<v1::OpenRestoreResponse> ConnectionImpl::OpenRestore(
    const v1::OpenRestoreRequest& request) {
  return Call(&Stub::OpenRestore, request);
}

absl::StatusOr<v1::RenewRestoreResponse> ConnectionImpl::RenewRestore(
    const v1::RenewRestoreRequest& request) {
  return Call(&Stub::RenewRestore, request);
}

absl::Status ConnectionImpl::CloseRestore(const v1::CloseRestoreRequest& request) {
  return Call(&Stub::CloseRestore, request).status();
}

absl::StatusOr<admin::v1::CollectResponse> ConnectionImpl::Collect(
    const admin::v1::CollectRequest& request) {
  return Retry<admin::v1::CollectResponse>(
      [&](grpc::ClientContext* context, admin::v1::CollectResponse* response) {
        return admin::v1::AdminService::NewStub(ChannelFor(kUnaryChannel))
            ->Collect(context, request, response);
      });
}

absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(absl::string_view server) {
  if (!IsHostAndPort(server)) {
    return InvalidField("server", absl::StrCat("\"", server, "\" is not of the form HOST:PORT"));
  }
  return std::make_shared<ConnectionImpl>(server, RetryPolicy(), Clock::System(), Random::System());
}

}  // namespace cairn
