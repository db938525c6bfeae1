#include "storage/session_leases.h"

#include <algorithm>

#include "base/error.h"

namespace cairn::storage {

absl::Time SessionLeases::ExpireTime(const SessionRecord& session) const {
  absl::Time expire_time = absl::FromUnixMicros(session.expire_time());
  if (absl::FromUnixMicros(session.create_time()) < start_) {
    expire_time = std::max(expire_time, start_ + absl::Microseconds(session.ttl()));
  }
  MutexLock lock(&mutex_);
  const auto it = states_.find(Uid::FromBytes(session.manifest_uid()).value_or(Uid()));
  if (it == states_.end()) return expire_time;
  return std::max(expire_time, it->second.expire_time.value_or(expire_time));
}

bool SessionLeases::Expired(const SessionRecord& session) const {
  {
    MutexLock lock(&mutex_);
    const auto it = states_.find(Uid::FromBytes(session.manifest_uid()).value_or(Uid()));
    if (it != states_.end() && it->second.committing) return false;
  }
  return clock_->Now() >= ExpireTime(session);
}

bool SessionLeases::Touch(const Uid& manifest, absl::Duration ttl) {
  const absl::Time now = clock_->Now();
  MutexLock lock(&mutex_);
  const auto it = states_.find(manifest);
  if (it == states_.end() || !it->second.expire_time || now >= *it->second.expire_time)
    return false;
  State& state = it->second;
  state.expire_time = now + ttl;
  return *state.expire_time - state.row_expire_time < ttl / 4;
}

void SessionLeases::Renewed(const SessionRecord& session) {
  MutexLock lock(&mutex_);
  State& state = states_[Uid::FromBytes(session.manifest_uid()).value_or(Uid())];
  state.row_expire_time = absl::FromUnixMicros(session.expire_time());
  state.expire_time =
      std::max(state.row_expire_time, state.expire_time.value_or(absl::InfinitePast()));
}

void SessionLeases::Forget(const Uid& manifest) {
  MutexLock lock(&mutex_);
  const auto it = states_.find(manifest);
  if (it == states_.end()) return;
  it->second.expire_time.reset();
  Prune(manifest);
}

absl::Status SessionLeases::Enter(const Uid& manifest) {
  MutexLock lock(&mutex_);
  State& state = states_[manifest];
  if (state.committing) {
    return MakeError(
        ErrorReason::ERROR_REASON_SESSION_CLOSED, absl::StatusCode::kFailedPrecondition,
        "cannot write slices: the session is being committed; commit when every writer is done",
        {{"state", "COMMITTING"}});
  }
  ++state.calls;
  return absl::OkStatus();
}

void SessionLeases::Leave(const Uid& manifest) {
  MutexLock lock(&mutex_);
  --states_[manifest].calls;
  Prune(manifest);
  changed_.NotifyAll();
}

void SessionLeases::Prune(const Uid& manifest) {
  const auto it = states_.find(manifest);
  const State& state = it->second;
  if (!state.expire_time && state.calls == 0 && state.commits == 0) states_.erase(it);
}

SessionLeases::Committing::Committing(SessionLeases* leases, const Uid& manifest)
    : leases_(leases), manifest_(manifest) {
  MutexLock lock(&leases_->mutex_);
  State& state = leases_->states_[manifest_];  // stays where it is while `commits` counts this
  ++state.commits;
  while (state.committing) leases_->changed_.Wait(&leases_->mutex_);
  state.committing = true;
  while (state.calls > 0) leases_->changed_.Wait(&leases_->mutex_);
}

SessionLeases::Committing::~Committing() {
  MutexLock lock(&leases_->mutex_);
  State& state = leases_->states_[manifest_];
  state.committing = false;
  --state.commits;
  leases_->Prune(manifest_);
  leases_->changed_.NotifyAll();
}

}  // namespace cairn::storage
