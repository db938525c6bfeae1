#include "client/progress.h"

namespace cairn {

void ProgressReporter::Add(int64_t bytes) {
  if (report_ == nullptr) return;
  const absl::Time now = clock_->Now();
  MutexLock lock(&mutex_);
  progress_.done_bytes += bytes;
  // A wall clock may step back.
  if (now >= last_report_ && now - last_report_ < kInterval) return;
  last_report_ = now;
  report_(progress_);
}

void ProgressReporter::Finish() {
  if (report_ == nullptr) return;
  MutexLock lock(&mutex_);
  report_(progress_);
}

}  // namespace cairn
