// The contract of a store, small enough to be seen to be right: what calls answer and what is
// visible after them. For tests that compare a store with it.
#ifndef CAIRN_STORAGE_MODEL_STORE_H_
#define CAIRN_STORAGE_MODEL_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/error.h"
#include "storage/store_driver.h"

namespace cairn::storage {

// Copyable. Every call answers as the store's of that name: a reason, or kOk. Sessions have
// kDefaultSessionTtl.
class ModelStore {
 public:
  static constexpr ErrorReason kOk = ErrorReason::ERROR_REASON_UNSPECIFIED;

  // As the first part of Create, should it end there.
  void MakeDirectory(const std::string& path) { directories_[path]; }
  ErrorReason Create(const std::string& path, const std::string& session,
                     std::optional<int64_t> number, bool replace, absl::Time now);
  ErrorReason Send(const std::string& path, const std::string& session, absl::Time now);
  ErrorReason Seal(const std::string& path, const std::string& session, absl::Time now);
  // `complete`: all was sent and sealed; else any reason of an incomplete save, as
  // WRITERS_NOT_SEALED.
  ErrorReason Commit(const std::string& path, const std::string& session, const Content& content,
                     bool complete, absl::Time now);
  ErrorReason Abort(const std::string& path, const std::string& session, absl::Time now);
  ErrorReason DeleteCheckpoint(const std::string& path, int64_t number);
  ErrorReason DeleteDirectory(const std::string& path, bool force, absl::Time now);
  // Every open session lives its ttl anew.
  void Restart(absl::Time now);

  Seen Visible() const;
  // The number that a session has; nullopt: there is no such session.
  std::optional<int64_t> NumberOf(const std::string& path, const std::string& session) const;

 private:
  enum class State { kOpen, kCommitted, kEnded };
  struct Session {
    int64_t number = 0;
    bool replace = false;
    State state = State::kOpen;
    absl::Time expires;
  };
  struct Directory {
    int64_t counter = 0;
    SeenDirectory checkpoints;
    std::map<std::string, Session> sessions;
  };

  static bool HasNumber(const Directory& directory, int64_t number);
  // Whether an open session keeps others from the number.
  static bool IsPromised(const Directory& directory, int64_t number, bool replace);
  static void EraseNumber(Directory* directory, int64_t number);
  // Ends the sessions whose lease is over.
  void Expire(absl::Time now);
  // Sets what it finds, or says what is missing.
  ErrorReason Find(const std::string& path, const std::string& session, absl::Time now,
                   Directory** directory, Session** found);

  std::map<std::string, Directory> directories_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_MODEL_STORE_H_
