// What this process knows of open sessions beyond their rows: how long they live, and who is
// writing.
#ifndef CAIRN_STORAGE_SESSION_LEASES_H_
#define CAIRN_STORAGE_SESSION_LEASES_H_

#include <map>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "storage/store.h"

namespace cairn::storage {

// Sessions go by their manifests' uids. A renewal is kept here and reaches the row only now and
// then; so that a restart ends no session too early, every one lives at least its ttl from then on.
// Thread-safe.
class SessionLeases {
 public:
  explicit SessionLeases(Clock* clock) : clock_(clock), start_(clock->Now()) {}

  // When the lease of an open session ends, by the later of its row and what is known here.
  absl::Time ExpireTime(const SessionRecord& session) const;
  // Whether it has ended; never while the session is being committed.
  bool Expired(const SessionRecord& session) const;

  // Restarts the lease if the session is known to be open here. False: the row must be read and
  // written first, because it is not, or because the row has not been written for a quarter of the
  // ttl.
  bool Touch(const Uid& manifest, absl::Duration ttl);
  // Notes what was just written into the row of an open session.
  void Renewed(const SessionRecord& session);
  // The session ended, or may have.
  void Forget(const Uid& manifest);

  // Surrounds every call that writes slices. Leave only what Enter let in.
  // Errors: kFailedPrecondition with reason SESSION_CLOSED (it is being committed).
  absl::Status Enter(const Uid& manifest);
  void Leave(const Uid& manifest);

  // Surrounds a commit: waits for another commit of this session and for the calls that write
  // slices, and keeps further ones out.
  class Committing {
   public:
    Committing(SessionLeases* leases, const Uid& manifest);
    ~Committing();
    Committing(const Committing&) = delete;
    Committing& operator=(const Committing&) = delete;

   private:
    SessionLeases* const leases_;
    const Uid manifest_;
  };

 private:
  struct State {
    std::optional<absl::Time> expire_time;  // unset: not known to be open
    absl::Time row_expire_time;
    int calls = 0;    // that write slices now
    int commits = 0;  // that run or wait
    bool committing = false;
  };

  // Drops a state that says nothing.
  void Prune(const Uid& manifest) CAIRN_REQUIRES(mutex_);

  Clock* const clock_;
  const absl::Time start_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::map<Uid, State> states_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SESSION_LEASES_H_
