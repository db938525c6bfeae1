#include "storage/model_store.h"

#include <algorithm>

namespace cairn::storage {

using enum ErrorReason;

bool ModelStore::HasNumber(const Directory& directory, int64_t number) {
  return std::any_of(directory.checkpoints.begin(), directory.checkpoints.end(),
                     [&](const SeenCheckpoint& checkpoint) { return checkpoint.number == number; });
}

bool ModelStore::IsPromised(const Directory& directory, int64_t number, bool replace) {
  return std::any_of(directory.sessions.begin(), directory.sessions.end(), [&](const auto& entry) {
    const Session& session = entry.second;
    return session.state == State::kOpen && session.number == number &&
           !(replace && session.replace);
  });
}

void ModelStore::EraseNumber(Directory* directory, int64_t number) {
  std::erase_if(directory->checkpoints,
                [&](const SeenCheckpoint& checkpoint) { return checkpoint.number == number; });
}

void ModelStore::Expire(absl::Time now) {
  for (auto& [path, directory] : directories_) {
    for (auto& [id, session] : directory.sessions) {
      if (session.state == State::kOpen && session.expires <= now) session.state = State::kEnded;
    }
  }
}

ErrorReason ModelStore::Find(const std::string& path, const std::string& session, absl::Time now,
                             Directory** directory, Session** found) {
  Expire(now);
  const auto it = directories_.find(path);
  if (it == directories_.end()) return ERROR_REASON_DIRECTORY_NOT_FOUND;
  *directory = &it->second;
  const auto entry = it->second.sessions.find(session);
  if (entry == it->second.sessions.end()) return ERROR_REASON_SESSION_NOT_FOUND;
  *found = &entry->second;
  return kOk;
}

ErrorReason ModelStore::Create(const std::string& path, const std::string& session,
                               std::optional<int64_t> number, bool replace, absl::Time now) {
  Expire(now);
  Directory& directory = directories_[path];
  if (directory.sessions.contains(session)) return kOk;  // joins
  if (number) {
    const bool taken =
        (HasNumber(directory, *number) && !replace) || IsPromised(directory, *number, replace);
    if (taken) return ERROR_REASON_NUMBER_TAKEN;
    ++directory.counter;
  } else {
    do {
      number = ++directory.counter;
    } while (HasNumber(directory, *number) || IsPromised(directory, *number, false));
  }
  directory.sessions[session] = {
      .number = *number, .replace = replace, .expires = now + kDefaultSessionTtl};
  return kOk;
}

ErrorReason ModelStore::Send(const std::string& path, const std::string& session, absl::Time now) {
  const ErrorReason reason = Seal(path, session, now);
  if (reason == kOk) directories_[path].sessions[session].expires = now + kDefaultSessionTtl;
  return reason;
}

ErrorReason ModelStore::Seal(const std::string& path, const std::string& session, absl::Time now) {
  Directory* directory = nullptr;
  Session* found = nullptr;
  const ErrorReason reason = Find(path, session, now, &directory, &found);
  if (reason != kOk) return reason;
  return found->state == State::kOpen ? kOk : ERROR_REASON_SESSION_CLOSED;
}

ErrorReason ModelStore::Commit(const std::string& path, const std::string& session,
                               const Content& content, bool complete, absl::Time now) {
  Directory* directory = nullptr;
  Session* found = nullptr;
  const ErrorReason reason = Find(path, session, now, &directory, &found);
  if (reason != kOk) return reason;
  if (found->state == State::kCommitted) return kOk;
  if (found->state == State::kEnded) return ERROR_REASON_SESSION_CLOSED;
  found->expires = now + kDefaultSessionTtl;  // what is missing can be sent
  if (!complete) return ERROR_REASON_WRITERS_NOT_SEALED;
  EraseNumber(directory, found->number);  // it may, having found it so when it opened
  directory->checkpoints.push_back({found->number, content});
  found->state = State::kCommitted;
  return kOk;
}

ErrorReason ModelStore::Abort(const std::string& path, const std::string& session, absl::Time now) {
  Directory* directory = nullptr;
  Session* found = nullptr;
  const ErrorReason reason = Find(path, session, now, &directory, &found);
  if (reason != kOk) return reason;
  if (found->state == State::kCommitted) return ERROR_REASON_SESSION_CLOSED;
  found->state = State::kEnded;
  return kOk;
}

ErrorReason ModelStore::DeleteCheckpoint(const std::string& path, int64_t number) {
  const auto directory = directories_.find(path);
  if (directory == directories_.end()) return ERROR_REASON_DIRECTORY_NOT_FOUND;
  if (!HasNumber(directory->second, number)) return ERROR_REASON_CHECKPOINT_NOT_FOUND;
  EraseNumber(&directory->second, number);
  return kOk;
}

ErrorReason ModelStore::DeleteDirectory(const std::string& path, bool force, absl::Time now) {
  Expire(now);
  const auto found = directories_.find(path);
  if (found == directories_.end()) return ERROR_REASON_DIRECTORY_NOT_FOUND;
  const Directory& directory = found->second;
  const bool is_saved_to =
      std::any_of(directory.sessions.begin(), directory.sessions.end(),
                  [](const auto& entry) { return entry.second.state == State::kOpen; });
  if (!force && (is_saved_to || !directory.checkpoints.empty())) {
    return ERROR_REASON_DIRECTORY_NOT_EMPTY;
  }
  directories_.erase(found);
  return kOk;
}

void ModelStore::Restart(absl::Time now) {
  Expire(now);
  for (auto& [path, directory] : directories_) {
    for (auto& [id, session] : directory.sessions) session.expires = now + kDefaultSessionTtl;
  }
}

Seen ModelStore::Visible() const {
  Seen seen;
  for (const auto& [path, directory] : directories_) seen[path] = directory.checkpoints;
  return seen;
}

std::optional<int64_t> ModelStore::NumberOf(const std::string& path,
                                            const std::string& session) const {
  const auto directory = directories_.find(path);
  if (directory == directories_.end()) return std::nullopt;
  const auto found = directory->second.sessions.find(session);
  if (found == directory->second.sessions.end()) return std::nullopt;
  return found->second.number;
}

}  // namespace cairn::storage
