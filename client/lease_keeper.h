// Keeps a save session or a restore alive for as long as it takes.
#ifndef CAIRN_CLIENT_LEASE_KEEPER_H_
#define CAIRN_CLIENT_LEASE_KEEPER_H_

#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace cairn {

// Calls `renew` every `interval` from a thread of its own until it is destroyed. A renewal that
// fails is not reported: the call that needs the lease will say so.
class LeaseKeeper {
 public:
  LeaseKeeper(absl::Duration interval, std::function<void()> renew);
  ~LeaseKeeper();

 private:
  void Run();

  const absl::Duration interval_;
  const std::function<void()> renew_;
  Mutex mutex_;
  ConditionVariable stop_;
  bool stopped_ CAIRN_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: uses the members above
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_LEASE_KEEPER_H_
