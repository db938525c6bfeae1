// A Connection for tests of programs that use Client.
#ifndef CAIRN_CLIENT_MOCKS_MOCK_CONNECTION_H_
#define CAIRN_CLIENT_MOCKS_MOCK_CONNECTION_H_

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "client/connection.h"

namespace cairn {

class MockConnection : public Connection {
 public:
  MOCK_METHOD(absl::StatusOr<v1::ServerInfo>, GetServerInfo,
              (const v1::GetServerInfoRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Directory>, GetDirectory, (const v1::GetDirectoryRequest& request),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListDirectoriesResponse>, ListDirectories,
              (const v1::ListDirectoriesRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Directory>, CreateDirectory,
              (const v1::CreateDirectoryRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Directory>, UpdateDirectory,
              (const v1::UpdateDirectoryRequest& request), (override));
  MOCK_METHOD(absl::Status, DeleteDirectory, (const v1::DeleteDirectoryRequest& request),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, GetCheckpoint,
              (const v1::GetCheckpointRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, GetLatestCheckpoint,
              (const v1::GetLatestCheckpointRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListCheckpointsResponse>, ListCheckpoints,
              (const v1::ListCheckpointsRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, DeleteCheckpoint,
              (const v1::DeleteCheckpointRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, SaveCheckpoint,
              (const v1::SaveCheckpointRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Tensor>, GetTensor, (const v1::GetTensorRequest& request),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListTensorsResponse>, ListTensors,
              (const v1::ListTensorsRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::PreviewTensorResponse>, PreviewTensor,
              (const v1::PreviewTensorRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListSlicesResponse>, ListSlices,
              (const v1::ListSlicesRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Usage>, GetUsage, (const v1::GetUsageRequest& request),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, CopyCheckpoint,
              (absl::Span<const v1::CopyCheckpointRequest> messages), (override));
  MOCK_METHOD(absl::StatusOr<admin::v1::CollectResponse>, Collect,
              (const admin::v1::CollectRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::GetObjectGraphResponse>, GetObjectGraph,
              (const v1::GetObjectGraphRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::SaveSession>, CreateSaveSession,
              (const v1::CreateSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::SaveSession>, GetSaveSession,
              (const v1::GetSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListSaveSessionsResponse>, ListSaveSessions,
              (const v1::ListSaveSessionsRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::SaveSession>, RenewSaveSession,
              (const v1::RenewSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::SaveSession>, SealSaveSession,
              (const v1::SealSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::Checkpoint>, CommitSaveSession,
              (const v1::CommitSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::SaveSession>, AbortSaveSession,
              (const v1::AbortSaveSessionRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::OpenRestoreResponse>, OpenRestore,
              (const v1::OpenRestoreRequest& request), (override));
  MOCK_METHOD(absl::StatusOr<v1::RenewRestoreResponse>, RenewRestore,
              (const v1::RenewRestoreRequest& request), (override));
  MOCK_METHOD(absl::Status, CloseRestore, (const v1::CloseRestoreRequest& request), (override));
  MOCK_METHOD(std::unique_ptr<UploadStream>, UploadSlices, (int index), (override));
  MOCK_METHOD(std::unique_ptr<DownloadStream>, DownloadSlices,
              (int index, const v1::DownloadSlicesRequest& request), (override));
};

class MockUploadStream : public UploadStream {
 public:
  MOCK_METHOD(absl::Status, Write,
              (const v1::UploadSlicesRequest& header, absl::Span<const absl::string_view> payload,
               std::shared_ptr<const void> owner),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::UploadSlicesResponse>, Finish, (), (override));
  MOCK_METHOD(int64_t, durable_parts, (), (const, override));
  MOCK_METHOD(void, Cancel, (), (override));
};

class MockDownloadStream : public DownloadStream {
 public:
  MOCK_METHOD(absl::StatusOr<bool>, Read,
              (v1::DownloadSlicesResponse * header, std::vector<absl::string_view>* payload),
              (override));
  MOCK_METHOD(void, Cancel, (), (override));
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_MOCKS_MOCK_CONNECTION_H_
