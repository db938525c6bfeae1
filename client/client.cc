#include "client/client.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "client/features.h"
#include "client/restore_run.h"
#include "client/save_run.h"

namespace cairn {
namespace {

constexpr int kPageSize = 1000;

// Calls `list` with `request` for page after page and `take` with each answer.
template <typename Request, typename List, typename Take>
absl::Status ForEachPage(Request request, List list, Take take) {
  if (request.page_size() == 0) request.set_page_size(kPageSize);
  do {
    CAIRN_ASSIGN_OR_RETURN(auto page, list(request));
    CAIRN_RETURN_IF_ERROR(take(page));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

// Whether a save with that base can be tried without it.
bool LacksBase(const absl::Status& failure) {
  const ErrorReason reason = ReasonOf(failure);
  return reason == ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND ||
         reason == ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND ||
         reason == ErrorReason::ERROR_REASON_NOT_YET;
}

}  // namespace

// The checkpoint that was saved last into each directory, as a reference. Thread-safe.
class Client::LastSaves {
 public:
  std::string In(const std::string& directory) {
    MutexLock lock(&mutex_);
    const auto found = saved_.find(directory);
    return found == saved_.end() ? "" : found->second;
  }
  void Note(const std::string& directory, const v1::Checkpoint& checkpoint) {
    MutexLock lock(&mutex_);
    saved_[directory] = absl::StrCat("uid:", checkpoint.uid());
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::string> saved_ CAIRN_GUARDED_BY(mutex_);
};

Client::Client(std::shared_ptr<Connection> connection)
    : connection_(std::move(connection)), last_saves_(std::make_shared<LastSaves>()) {}

absl::StatusOr<Client> Client::Connect(absl::string_view server) {
  CAIRN_ASSIGN_OR_RETURN(std::shared_ptr<Connection> connection, MakeConnection(server));
  return Client(std::move(connection));
}

absl::StatusOr<SaveResult> Client::Save(absl::string_view directory,
                                        absl::Span<const SliceToSave> slices,
                                        const SaveOptions& options) {
  const auto save = [&](const SaveOptions& with) {
    return RunSave(*connection_, directory, slices, with, Clock::System(), Random::System());
  };
  const std::string path(directory);
  SaveOptions based = options;
  // Whoever joins a session by its name, another writer or this one after a crash, must give the
  // same base: then none is chosen here.
  const bool choose = !options.base.has_value() && options.session.empty();
  if (choose) based.base = last_saves_->In(path);
  absl::StatusOr<SaveResult> result = save(based);
  if (choose && !based.base->empty() && LacksBase(result.status())) {
    based.base = "";
    result = save(based);
  }
  if (result.ok() && result->committed) last_saves_->Note(path, result->checkpoint);
  return result;
}

absl::StatusOr<RestoreResult> Client::Restore(absl::string_view directory,
                                              absl::string_view checkpoint,
                                              const std::vector<v1::Selector>& selectors,
                                              const RestoreOptions& options, SliceSink& sink) {
  if (std::any_of(selectors.begin(), selectors.end(),
                  [](const v1::Selector& selector) { return selector.has_object_path(); })) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(*connection_, kObjectPathFeature));
  }
  v1::OpenRestoreRequest request;
  request.set_directory(std::string(directory));
  request.set_checkpoint(std::string(checkpoint));
  request.mutable_selectors()->Add(selectors.begin(), selectors.end());
  return RunRestore(*connection_, std::move(request), options, sink, Clock::System(),
                    Random::System());
}

absl::StatusOr<std::vector<v1::Directory>> Client::ListDirectories() {
  std::vector<v1::Directory> directories;
  CAIRN_RETURN_IF_ERROR(ForEachPage(
      v1::ListDirectoriesRequest(),
      [this](const auto& request) { return connection_->ListDirectories(request); },
      [&directories](const v1::ListDirectoriesResponse& page) {
        directories.insert(directories.end(), page.directories().begin(), page.directories().end());
        return absl::OkStatus();
      }));
  return directories;
}

absl::StatusOr<std::vector<v1::Checkpoint>> Client::ListCheckpoints(absl::string_view directory) {
  std::vector<v1::Checkpoint> checkpoints;
  v1::ListCheckpointsRequest first;
  first.set_directory(std::string(directory));
  CAIRN_RETURN_IF_ERROR(ForEachPage(
      first, [this](const auto& request) { return connection_->ListCheckpoints(request); },
      [&checkpoints](const v1::ListCheckpointsResponse& page) {
        checkpoints.insert(checkpoints.end(), page.checkpoints().begin(), page.checkpoints().end());
        return absl::OkStatus();
      }));
  return checkpoints;
}

absl::StatusOr<std::vector<v1::SaveSession>> Client::ListSaveSessions(absl::string_view directory) {
  std::vector<v1::SaveSession> sessions;
  v1::ListSaveSessionsRequest first;
  first.set_directory(std::string(directory));
  CAIRN_RETURN_IF_ERROR(ForEachPage(
      first, [this](const auto& request) { return connection_->ListSaveSessions(request); },
      [&sessions](const v1::ListSaveSessionsResponse& page) {
        sessions.insert(sessions.end(), page.save_sessions().begin(), page.save_sessions().end());
        return absl::OkStatus();
      }));
  return sessions;
}

absl::Status Client::ListTensors(
    const v1::ListTensorsRequest& request,
    absl::FunctionRef<absl::Status(const v1::ListTensorsResponse&)> visit) {
  if (request.has_object_path()) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(*connection_, kObjectPathFeature));
  }
  return ForEachPage(
      request, [this](const auto& page) { return connection_->ListTensors(page); }, visit);
}

}  // namespace cairn
