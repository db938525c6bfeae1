// Mocks of storage's interfaces, for tests of what stands on them.
#ifndef CAIRN_SERVER_MOCK_STORE_H_
#define CAIRN_SERVER_MOCK_STORE_H_

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/store.h"

namespace cairn::server {

class MockSliceWriter : public storage::SliceWriter {
 public:
  MOCK_METHOD(absl::Status, Append,
              (const storage::SliceSpec&, int64_t, absl::Span<const absl::string_view>,
               std::optional<uint32_t>),
              (override));
  MOCK_METHOD(absl::Status, AppendFromBase,
              (const storage::SliceSpec&, int64_t, int64_t, const storage::BaseRange&,
               std::optional<uint32_t>),
              (override));
  MOCK_METHOD(absl::Status, Finish, (), (override));
  MOCK_METHOD(absl::Status, Salvage, (), (override));
  MOCK_METHOD(storage::WriterProgress, progress, (), (const, override));
};

// Gives its batches one after the other; the token is the number of those given, "1", "2", ...
class FakeSliceReader : public storage::SliceReader {
 public:
  using Parts = std::vector<storage::OutgoingPart>;
  explicit FakeSliceReader(std::vector<absl::StatusOr<Parts>> batches)
      : batches_(std::move(batches)) {}
  absl::StatusOr<Parts> Next(int64_t) override {
    return given_ < batches_.size() ? batches_[given_++] : Parts();
  }
  std::string token() const override { return std::to_string(given_); }

 private:
  const std::vector<absl::StatusOr<Parts>> batches_;
  size_t given_ = 0;
};

class MockStore : public storage::Store {
 public:
  using string_view = absl::string_view;
  template <typename T>
  using Page = absl::StatusOr<storage::ListPage<T>>;

  MOCK_METHOD(std::string, incarnation, (), (const, override));
  MOCK_METHOD(absl::StatusOr<storage::DirectoryInfo>, GetDirectory, (string_view), (override));
  MOCK_METHOD(Page<storage::DirectoryInfo>, ListDirectories, (string_view, int), (override));
  MOCK_METHOD(absl::StatusOr<storage::DirectoryInfo>, CreateDirectory,
              (string_view, const storage::CreateDirectoryOptions&), (override));
  MOCK_METHOD(absl::StatusOr<storage::DirectoryInfo>, UpdateDirectory,
              (string_view, const storage::UpdateDirectoryOptions&), (override));
  MOCK_METHOD(absl::Status, DeleteDirectory,
              (string_view, bool, std::optional<int64_t>, string_view), (override));
  MOCK_METHOD(absl::StatusOr<storage::CheckpointRecord>, GetCheckpoint, (string_view, string_view),
              (override));
  MOCK_METHOD(Page<storage::CheckpointRecord>, ListCheckpoints,
              (string_view, storage::CheckpointOrder, string_view, int), (override));
  MOCK_METHOD(absl::StatusOr<storage::CheckpointRecord>, DeleteCheckpoint,
              (string_view, string_view, string_view), (override));
  MOCK_METHOD(absl::StatusOr<storage::CheckpointRecord>, CopyCheckpoint,
              (string_view, string_view, const storage::CopyOptions&), (override));
  MOCK_METHOD(absl::StatusOr<storage::SessionInfo>, CreateSession,
              (string_view, const storage::SessionOptions&), (override));
  MOCK_METHOD(absl::StatusOr<storage::SessionInfo>, GetSession, (string_view, string_view),
              (override));
  MOCK_METHOD(Page<storage::SessionInfo>, ListSessions, (string_view, string_view, int),
              (override));
  MOCK_METHOD(absl::StatusOr<storage::SessionInfo>, RenewSession, (string_view, string_view),
              (override));
  MOCK_METHOD(absl::StatusOr<storage::SessionInfo>, SealSession,
              (string_view, string_view, string_view, int64_t), (override));
  MOCK_METHOD(absl::StatusOr<storage::CheckpointRecord>, CommitSession, (string_view, string_view),
              (override));
  MOCK_METHOD(absl::StatusOr<storage::SessionInfo>, AbortSession,
              (string_view, string_view, string_view), (override));
  MOCK_METHOD(absl::StatusOr<std::unique_ptr<storage::SliceWriter>>, NewSliceWriter,
              (string_view, string_view, string_view, bool), (override));
  MOCK_METHOD(Page<storage::TensorInfo>, ListTensors,
              (const storage::CheckpointRecord&, const storage::Selector&, bool, string_view, int),
              (override));
  MOCK_METHOD(absl::StatusOr<storage::TensorInfo>, GetTensor,
              (const storage::CheckpointRecord&, storage::TensorKind, string_view), (override));
  MOCK_METHOD(Page<storage::StoredPart>, ListSlices,
              (const Uid&, string_view, const storage::SliceFilter&, string_view, int), (override));
  MOCK_METHOD(absl::StatusOr<storage::RestoreInfo>, OpenRestore,
              (string_view, string_view, absl::Span<const storage::Selector>, int), (override));
  MOCK_METHOD(absl::StatusOr<absl::Time>, RenewRestore, (string_view), (override));
  MOCK_METHOD(absl::Status, CloseRestore, (string_view), (override));
  MOCK_METHOD(absl::StatusOr<std::unique_ptr<storage::SliceReader>>, NewSliceReader, (string_view),
              (override));
  MOCK_METHOD(absl::StatusOr<storage::Usage>, GetUsage, (string_view, string_view), (override));
  MOCK_METHOD(absl::StatusOr<storage::CollectResult>, Collect, (storage::CollectScope), (override));
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_MOCK_STORE_H_
