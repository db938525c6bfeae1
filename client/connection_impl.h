// The default Connection: gRPC channels, deadlines, retries.
#ifndef CAIRN_CLIENT_CONNECTION_IMPL_H_
#define CAIRN_CLIENT_CONNECTION_IMPL_H_

#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "cairn/v1/checkpoint_service.grpc.pb.h"
#include "client/connection.h"
#include "client/retry_policy.h"

namespace cairn {

// Unary calls share one channel; each index of the bulk calls has its own.
class ConnectionImpl : public Connection {
 public:
  // `server`: "HOST:PORT". `clock` and `random` are not owned and outlive this.
  ConnectionImpl(absl::string_view server, const RetryPolicy& policy, Clock* clock, Random* random);

  absl::StatusOr<v1::ServerInfo> GetServerInfo(const v1::GetServerInfoRequest& request) override;
  absl::StatusOr<v1::Directory> GetDirectory(const v1::GetDirectoryRequest& request) override;
  absl::StatusOr<v1::ListDirectoriesResponse> ListDirectories(
      const v1::ListDirectoriesRequest& request) override;
  absl::StatusOr<v1::Directory> CreateDirectory(const v1::CreateDirectoryRequest& request) override;
  absl::StatusOr<v1::Directory> UpdateDirectory(const v1::UpdateDirectoryRequest& request) override;
  absl::Status DeleteDirectory(const v1::DeleteDirectoryRequest& request) override;
  absl::StatusOr<v1::Checkpoint> GetCheckpoint(const v1::GetCheckpointRequest& request) override;
  absl::StatusOr<v1::Checkpoint> GetLatestCheckpoint(
      const v1::GetLatestCheckpointRequest& request) override;
  absl::StatusOr<v1::ListCheckpointsResponse> ListCheckpoints(
      const v1::ListCheckpointsRequest& request) override;
  absl::StatusOr<v1::Checkpoint> DeleteCheckpoint(
      const v1::DeleteCheckpointRequest& request) override;
  absl::StatusOr<v1::Checkpoint> SaveCheckpoint(const v1::SaveCheckpointRequest& request) override;
  absl::StatusOr<v1::Tensor> GetTensor(const v1::GetTensorRequest& request) override;
  absl::StatusOr<v1::ListTensorsResponse> ListTensors(
      const v1::ListTensorsRequest& request) override;
  absl::StatusOr<v1::PreviewTensorResponse> PreviewTensor(
      const v1::PreviewTensorRequest& request) override;
  absl::StatusOr<v1::ListSlicesResponse> ListSlices(const v1::ListSlicesRequest& request) override;
  absl::StatusOr<v1::Usage> GetUsage(const v1::GetUsageRequest& request) override;
  absl::StatusOr<v1::Checkpoint> CopyCheckpoint(
      absl::Span<const v1::CopyCheckpointRequest> messages) override;
  absl::StatusOr<v1::GetObjectGraphResponse> GetObjectGraph(
      const v1::GetObjectGraphRequest& request) override;
  absl::StatusOr<v1::SaveSession> CreateSaveSession(
      const v1::CreateSaveSessionRequest& request) override;
  absl::StatusOr<v1::SaveSession> GetSaveSession(const v1::GetSaveSessionRequest& request) override;
  absl::StatusOr<v1::ListSaveSessionsResponse> ListSaveSessions(
      const v1::ListSaveSessionsRequest& request) override;
  absl::StatusOr<v1::SaveSession> RenewSaveSession(
      const v1::RenewSaveSessionRequest& request) override;
  absl::StatusOr<v1::SaveSession> SealSaveSession(
      const v1::SealSaveSessionRequest& request) override;
  absl::StatusOr<v1::Checkpoint> CommitSaveSession(
      const v1::CommitSaveSessionRequest& request) override;
  absl::StatusOr<v1::SaveSession> AbortSaveSession(
      const v1::AbortSaveSessionRequest& request) override;
  absl::StatusOr<v1::OpenRestoreResponse> OpenRestore(
      const v1::OpenRestoreRequest& request) override;
  absl::StatusOr<v1::RenewRestoreResponse> RenewRestore(
      const v1::RenewRestoreRequest& request) override;
  absl::Status CloseRestore(const v1::CloseRestoreRequest& request) override;
  absl::StatusOr<admin::v1::CollectResponse> Collect(
      const admin::v1::CollectRequest& request) override;

  std::unique_ptr<UploadStream> UploadSlices(int index) override;
  std::unique_ptr<DownloadStream> DownloadSlices(int index,
                                                 const v1::DownloadSlicesRequest& request) override;

 private:
  using Stub = v1::CheckpointService::StubInterface;

  // One call with retries: `attempt` makes it, with a context of its own each time.
  template <typename Response>
  absl::StatusOr<Response> Retry(
      absl::FunctionRef<grpc::Status(grpc::ClientContext*, Response*)> attempt);
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request);
  template <typename Request>
  Request WithRequestId(Request request) const;
  // Its channel, a new one if that could not connect.
  std::shared_ptr<grpc::Channel> ChannelFor(int channel_id);

  const std::string server_;
  const RetryPolicy policy_;
  Clock* const clock_;
  Random* const random_;
  Mutex mutex_;
  std::map<int, std::shared_ptr<grpc::Channel>> channels_ CAIRN_GUARDED_BY(mutex_);  // by id
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_CONNECTION_IMPL_H_
