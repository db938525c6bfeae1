// Time as an interface, so that tests own it. Nothing outside clock.cc asks the system for the
// time.
#ifndef CAIRN_BASE_CLOCK_H_
#define CAIRN_BASE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace cairn {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time; may step back when the machine's clock is set.
  virtual absl::Time Now() const = 0;
  // Returns after `duration`.
  virtual void Sleep(absl::Duration duration) = 0;

  // The machine's clock; lives as long as the process.
  static Clock* System();
};

// A clock that stands still until told. Sleep advances it at once.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1700000000))
      : micros_(absl::ToUnixMicros(now)) {}
  absl::Time Now() const override { return absl::FromUnixMicros(micros_.load()); }
  void Sleep(absl::Duration duration) override { Advance(duration); }
  void Advance(absl::Duration duration) { micros_ += absl::ToInt64Microseconds(duration); }

 private:
  std::atomic<int64_t> micros_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_CLOCK_H_
