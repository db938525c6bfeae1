// A budget of bytes that many threads share: what is buffered never passes it.
#ifndef CAIRN_BASE_MEMORY_BUDGET_H_
#define CAIRN_BASE_MEMORY_BUDGET_H_

#include <cstdint>

#include "base/mutex.h"

namespace cairn {

// Thread-safe. Outlives its reservations.
class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t capacity_bytes)
      : free_bytes_(capacity_bytes), capacity_bytes_(capacity_bytes) {}

  // Held bytes; given back on destruction. Move-only.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept : budget_(other.budget_), bytes_(other.bytes_) {
      other.budget_ = nullptr;
    }
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation() { Release(); }
    void Release();
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    friend class MemoryBudget;
    Reservation(MemoryBudget* budget, int64_t bytes) : budget_(budget), bytes_(bytes) {}
    MemoryBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

  // Waits until `bytes` are free. Requires: bytes <= capacity_bytes().
  Reservation Reserve(int64_t bytes);
  // An empty reservation when `bytes` are not free now.
  Reservation TryReserve(int64_t bytes);

  int64_t capacity_bytes() const { return capacity_bytes_; }

 private:
  Mutex mutex_;
  ConditionVariable freed_;
  int64_t free_bytes_ CAIRN_GUARDED_BY(mutex_);
  const int64_t capacity_bytes_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_MEMORY_BUDGET_H_
