// Every call of the API, as a pure interface: public so that users can mock it (client/mocks). The
// default one (MakeConnection) gives calls that change something a request or session id, so that
// every unary call may be repeated, repeats them with backoff, and adds the reason CONNECTION_LOST.
#ifndef CAIRN_CLIENT_CONNECTION_H_
#define CAIRN_CLIENT_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cairn/admin/v1/admin_service.pb.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "cairn/v1/transfer_service.pb.h"

namespace cairn {

// Sends to one session. One thread writes; destroyed before Finish(), the call is cancelled.
class UploadStream {
 public:
  virtual ~UploadStream() = default;
  // Sends `header` (its payload unset) with `payload`, views of consecutive memory ranges. These
  // live as long as `owner` is held; with no owner they need only live until return, and are
  // copied. Returns when the message is on its way: the wait is the server's back-pressure.
  // Errors: the call's own, and the stream is over.
  virtual absl::Status Write(const v1::UploadSlicesRequest& header,
                             absl::Span<const absl::string_view> payload,
                             std::shared_ptr<const void> owner) = 0;
  // Half-closes and waits for the last answer: everything that was written is durable.
  virtual absl::StatusOr<v1::UploadSlicesResponse> Finish() = 0;
  // Parts that the server said are durable, counted from the start of this stream; after an error
  // too.
  virtual int64_t durable_parts() const = 0;
  // Ends the call early: its other methods return kCancelled. From any thread.
  virtual void Cancel() = 0;
};

// Receives from one restore. One thread reads; destroyed early, the call is cancelled.
class DownloadStream {
 public:
  virtual ~DownloadStream() = default;
  // The next message: `header` without its payload, and views of the payload that live until the
  // next call. False at the end of the stream. Errors: the call's own.
  virtual absl::StatusOr<bool> Read(v1::DownloadSlicesResponse* header,
                                    std::vector<absl::string_view>* payload) = 0;
  // As UploadStream::Cancel.
  virtual void Cancel() = 0;
};

// Thread-safe. Errors as in client.h. The methods are the calls of cairn/v1, documented there.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual absl::StatusOr<v1::ServerInfo> GetServerInfo(const v1::GetServerInfoRequest& request) = 0;
  virtual absl::StatusOr<v1::Directory> GetDirectory(const v1::GetDirectoryRequest& request) = 0;
  virtual absl::StatusOr<v1::ListDirectoriesResponse> ListDirectories(
      const v1::ListDirectoriesRequest& request) = 0;
  virtual absl::StatusOr<v1::Directory> CreateDirectory(
      const v1::CreateDirectoryRequest& request) = 0;
  virtual absl::StatusOr<v1::Directory> UpdateDirectory(
      const v1::UpdateDirectoryRequest& request) = 0;
  virtual absl::Status DeleteDirectory(const v1::DeleteDirectoryRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> GetCheckpoint(const v1::GetCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> GetLatestCheckpoint(
      const v1::GetLatestCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::ListCheckpointsResponse> ListCheckpoints(
      const v1::ListCheckpointsRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> DeleteCheckpoint(
      const v1::DeleteCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> SaveCheckpoint(
      const v1::SaveCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::Tensor> GetTensor(const v1::GetTensorRequest& request) = 0;
  virtual absl::StatusOr<v1::ListTensorsResponse> ListTensors(
      const v1::ListTensorsRequest& request) = 0;
  virtual absl::StatusOr<v1::PreviewTensorResponse> PreviewTensor(
      const v1::PreviewTensorRequest& request) = 0;
  virtual absl::StatusOr<v1::ListSlicesResponse> ListSlices(
      const v1::ListSlicesRequest& request) = 0;
  virtual absl::StatusOr<v1::Usage> GetUsage(const v1::GetUsageRequest& request) = 0;
  // The messages of the call in order, at least one.
  virtual absl::StatusOr<v1::Checkpoint> CopyCheckpoint(
      absl::Span<const v1::CopyCheckpointRequest> messages) = 0;
  virtual absl::StatusOr<v1::GetObjectGraphResponse> GetObjectGraph(
      const v1::GetObjectGraphRequest& request) = 0;
  virtual absl::StatusOr<v1::SaveSession> CreateSaveSession(
      const v1::CreateSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::SaveSession> GetSaveSession(
      const v1::GetSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::ListSaveSessionsResponse> ListSaveSessions(
      const v1::ListSaveSessionsRequest& request) = 0;
  virtual absl::StatusOr<v1::SaveSession> RenewSaveSession(
      const v1::RenewSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::SaveSession> SealSaveSession(
      const v1::SealSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> CommitSaveSession(
      const v1::CommitSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::SaveSession> AbortSaveSession(
      const v1::AbortSaveSessionRequest& request) = 0;
  virtual absl::StatusOr<v1::OpenRestoreResponse> OpenRestore(
      const v1::OpenRestoreRequest& request) = 0;
  virtual absl::StatusOr<v1::RenewRestoreResponse> RenewRestore(
      const v1::RenewRestoreRequest& request) = 0;
  virtual absl::Status CloseRestore(const v1::CloseRestoreRequest& request) = 0;
  // Of cairn.admin.v1.AdminService.
  virtual absl::StatusOr<admin::v1::CollectResponse> Collect(
      const admin::v1::CollectRequest& request) = 0;

  // `index` spreads streams over connections of their own.
  virtual std::unique_ptr<UploadStream> UploadSlices(int index) = 0;
  virtual std::unique_ptr<DownloadStream> DownloadSlices(
      int index, const v1::DownloadSlicesRequest& request) = 0;
};

// The connection to the server at `server`, "HOST:PORT". Does not connect before the first call.
// Errors: kInvalidArgument (not of that form).
absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(absl::string_view server);

}  // namespace cairn

#endif  // CAIRN_CLIENT_CONNECTION_H_
