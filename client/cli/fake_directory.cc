#include "client/cli/fake_directory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn::cli {
namespace {

absl::Status Crashed() { return absl::UnavailableError("the test wants the server to be gone"); }

}  // namespace

FakeDirectory::FakeDirectory() {
  ON_CALL(*this, GetServerInfo).WillByDefault([](const auto&) {
    v1::ServerInfo info;
    info.set_part_bytes(1 << 20);
    info.set_max_payload_bytes(1 << 10);
    info.set_max_selectors(2);
    info.add_features("preserved");
    return info;
  });
  ON_CALL(*this, GetDirectory)
      .WillByDefault([this](const auto& request) -> absl::StatusOr<v1::Directory> {
        if (directory.has_value()) return *directory;
        return MakeError(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND, absl::StatusCode::kNotFound,
                         request.directory());
      });
  ON_CALL(*this, CreateDirectory).WillByDefault([this](const auto& request) {
    directory.emplace();
    directory->set_directory(request.directory());
    directory->set_uid("d1");
    directory->set_etag("0");
    *directory->mutable_annotations() = request.annotations();
    *directory->mutable_last_preserved_time() = request.last_preserved_time();
    return *directory;
  });
  ON_CALL(*this, UpdateDirectory).WillByDefault([this](const auto& request) {
    EXPECT_EQ(request.etag(), directory->etag());
    *directory->mutable_annotations() = request.annotations();
    *directory->mutable_last_preserved_time() = request.last_preserved_time();
    return *directory;
  });
  ON_CALL(*this, ListCheckpoints).WillByDefault([this](const auto&) {
    v1::ListCheckpointsResponse response;
    response.mutable_checkpoints()->Add(checkpoints.begin(), checkpoints.end());
    return response;
  });
  ON_CALL(*this, CreateSaveSession).WillByDefault([this](const auto& request) {
    return OpenSession(request.save_session());
  });
  ON_CALL(*this, ListSaveSessions).WillByDefault([this](const auto&) {
    v1::ListSaveSessionsResponse response;
    for (const auto& [id, session] : sessions) *response.add_save_sessions() = session;
    return response;
  });
  ON_CALL(*this, SealSaveSession).WillByDefault([](const auto&) { return v1::SaveSession(); });
  ON_CALL(*this, CommitSaveSession).WillByDefault([this](const auto& request) {
    return Commit(request.session());
  });
  ON_CALL(*this, AbortSaveSession)
      .WillByDefault([this](const auto& request) -> absl::StatusOr<v1::SaveSession> {
        if (commits_until_crash == 0) return Crashed();
        sessions.erase(request.session());
        return v1::SaveSession();
      });
  ON_CALL(*this, ListTensors)
      .WillByDefault([this](const auto& request) -> absl::StatusOr<v1::ListTensorsResponse> {
        CAIRN_RETURN_IF_ERROR(Load(request.checkpoint()));
        return List(request);
      });
  ON_CALL(*this, OpenRestore)
      .WillByDefault([this](const auto& request) -> absl::StatusOr<v1::OpenRestoreResponse> {
        CAIRN_RETURN_IF_ERROR(Load(request.checkpoint()));
        return Open(request);
      });
}

absl::StatusOr<v1::SaveSession> FakeDirectory::OpenSession(v1::SaveSession session) {
  for (const auto& [id, other] : sessions) {
    if (other.checkpoint_number() != session.checkpoint_number()) continue;
    return MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
                     absl::StrCat("promised to ", id));
  }
  if (!directory.has_value()) {
    directory.emplace().set_directory(session.directory());
    directory->set_uid("d1");
  }
  session.set_state(v1::SaveSession::STATE_OPEN);
  sessions[session.session()] = session;
  tensors.clear();
  return session;
}

absl::StatusOr<v1::Checkpoint> FakeDirectory::Commit(const std::string& session) {
  if (commits_until_crash == 0) return Crashed();
  --commits_until_crash;
  const v1::SaveSession& saved = sessions.at(session);
  DescribeUploads();
  SetCheckpoint();
  checkpoint->set_directory(saved.directory());
  checkpoint->set_number(saved.checkpoint_number());
  checkpoint->set_reference(absl::StrCat(saved.directory(), "@", saved.checkpoint_number()));
  checkpoint->set_uid(absl::StrCat("u", checkpoints.size() + 1));
  checkpoint->set_sequence(static_cast<int64_t>(checkpoints.size()) + 1);
  checkpoint->set_preserved(saved.preserved());
  *checkpoint->mutable_annotations() = saved.annotations();
  *checkpoint->mutable_save_time() = saved.save_time();
  directory->set_save_counter(directory->save_counter() + 1);
  tensors_by_uid_[checkpoint->uid()] = tensors;
  checkpoints.push_back(*checkpoint);
  sessions.erase(session);
  return *checkpoint;
}

absl::Status FakeDirectory::Load(const std::string& reference) {
  const absl::string_view uid = absl::StripPrefix(reference, "uid:");
  for (const v1::Checkpoint& stored : checkpoints) {
    if (stored.uid() != uid) continue;
    checkpoint = stored;
    tensors = tensors_by_uid_[stored.uid()];
    return absl::OkStatus();
  }
  return MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND, absl::StatusCode::kNotFound,
                   reference);
}

}  // namespace cairn::cli
