// When a failed call is tried again, and after what wait.
#ifndef CAIRN_CLIENT_RETRY_POLICY_H_
#define CAIRN_CLIENT_RETRY_POLICY_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/uid.h"

namespace cairn {

// Waits double from `first_wait` to `max_wait`, each shortened by chance to as little as a half, so
// that clients that failed together do not come back together.
struct RetryPolicy {
  // For the bulk calls: long enough for a server that restarts.
  static RetryPolicy ForStreams() { return {.max_attempts = 14}; }

  int max_attempts = 7;
  absl::Duration first_wait = absl::Milliseconds(100);
  absl::Duration max_wait = absl::Seconds(1);
  // A server that asks for a longer wait than this is not waited for.
  absl::Duration max_server_wait = absl::Seconds(30);
};

// Whether the same call may succeed later: UNAVAILABLE, an unknown outcome (calls carry a session
// or request id, so that a repeat is safe), and whatever the server gave a retry_delay.
bool IsTransient(const absl::Status& failure);

// The attempts of one call. One thread.
class Backoff {
 public:
  // `clock` and `random` are not owned and outlive this.
  Backoff(const RetryPolicy& policy, Clock* clock, Random* random)
      : policy_(policy), clock_(clock), random_(random) {}

  // Waits before the next attempt, as long as the policy says or the server asked. False, without a
  // wait, when there is to be none: the failure is not transient or the attempts are used up.
  bool WaitToRetry(const absl::Status& failure);

  // Something got through: counts from the start again.
  void Reset() { attempts_ = 1; }

  int attempts() const { return attempts_; }

 private:
  absl::Duration NextWait();

  const RetryPolicy policy_;
  Clock* const clock_;
  Random* const random_;
  int attempts_ = 1;
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_RETRY_POLICY_H_
