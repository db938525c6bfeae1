// How far a save or a restore is.
#ifndef CAIRN_CLIENT_PROGRESS_H_
#define CAIRN_CLIENT_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace cairn {

struct Progress {
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
};

using ProgressFn = std::function<void(const Progress&)>;

// Counts bytes for a ProgressFn and calls it at most 10 times a second, never twice at once.
// Thread-safe.
class ProgressReporter {
 public:
  static constexpr absl::Duration kInterval = absl::Milliseconds(100);

  // `report` may be empty. `clock` is not owned.
  ProgressReporter(ProgressFn report, int64_t total_bytes, Clock* clock)
      : report_(std::move(report)), clock_(clock), progress_{0, total_bytes} {}

  // Negative for bytes that have to go again.
  void Add(int64_t bytes);
  // The last report.
  void Finish();

 private:
  const ProgressFn report_;
  Clock* const clock_;
  Mutex mutex_;
  Progress progress_ CAIRN_GUARDED_BY(mutex_);
  absl::Time last_report_ CAIRN_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_PROGRESS_H_
