// Locks. std::mutex under abseil's annotations: ThreadSanitizer cannot see into Debian's
// absl::Mutex and would report correct programs.
//
//   Mutex mutex_;
//   int count_ CAIRN_GUARDED_BY(mutex_);
//   { MutexLock lock(&mutex_); ++count_; }
#ifndef CAIRN_BASE_MUTEX_H_
#define CAIRN_BASE_MUTEX_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#define CAIRN_GUARDED_BY(x) ABSL_GUARDED_BY(x)
#define CAIRN_REQUIRES(...) ABSL_EXCLUSIVE_LOCKS_REQUIRED(__VA_ARGS__)

namespace cairn {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// Waits may end early; callers loop on their condition.
class ConditionVariable {
 public:
  void Wait(Mutex* mutex) CAIRN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed first.
  bool WaitFor(Mutex* mutex, absl::Duration timeout) CAIRN_REQUIRES(mutex) {
    // The deadline must stay within the steady clock's range.
    constexpr absl::Duration kLongest = absl::Hours(24 * 365);
    timeout = std::clamp(timeout, absl::ZeroDuration(), kLongest);
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    bool notified =
        condition_.wait_for(lock, absl::ToChronoNanoseconds(timeout)) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_MUTEX_H_
