#include "client/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace cairn {
namespace {

absl::Duration ServerWait(const ErrorDetail& detail) {
  return absl::Seconds(detail.retry_delay().seconds()) +
         absl::Nanoseconds(detail.retry_delay().nanos());
}

}  // namespace

bool IsTransient(const absl::Status& failure) {
  const ErrorDetail detail = DetailOf(failure);
  return absl::IsUnavailable(failure) || detail.has_retry_delay() ||
         detail.reason() == ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN;
}

bool Backoff::WaitToRetry(const absl::Status& failure) {
  if (!IsTransient(failure) || attempts_ >= policy_.max_attempts) return false;
  absl::Duration wait = NextWait();
  const ErrorDetail detail = DetailOf(failure);
  if (detail.has_retry_delay()) {
    if (ServerWait(detail) > policy_.max_server_wait) return false;
    wait = std::max(wait, ServerWait(detail));
  }
  clock_->Sleep(wait);
  ++attempts_;
  return true;
}

absl::Duration Backoff::NextWait() {
  const absl::Duration wait =
      std::min(policy_.first_wait * std::exp2(attempts_ - 1), policy_.max_wait);
  const double chance = static_cast<double>(random_->Next() >> 11) * 0x1.0p-53;  // [0, 1)
  return wait * (0.5 + chance / 2);
}

}  // namespace cairn
