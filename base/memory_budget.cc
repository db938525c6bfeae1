#include "base/memory_budget.h"

#include "base/error.h"

namespace cairn {

MemoryBudget::Reservation& MemoryBudget::Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Release();
    budget_ = other.budget_;
    bytes_ = other.bytes_;
    other.budget_ = nullptr;
  }
  return *this;
}

void MemoryBudget::Reservation::Release() {
  if (budget_ == nullptr) return;
  {
    MutexLock lock(&budget_->mutex_);
    budget_->free_bytes_ += bytes_;
    // Under the lock: a waiter that ends the budget's life must not find it still in use.
    budget_->freed_.NotifyAll();
  }
  budget_ = nullptr;
}

MemoryBudget::Reservation MemoryBudget::Reserve(int64_t bytes) {
  CAIRN_CHECK(bytes >= 0 && bytes <= capacity_bytes_);
  MutexLock lock(&mutex_);
  while (free_bytes_ < bytes) freed_.Wait(&mutex_);
  free_bytes_ -= bytes;
  return Reservation(this, bytes);
}

MemoryBudget::Reservation MemoryBudget::TryReserve(int64_t bytes) {
  CAIRN_CHECK(bytes >= 0);
  MutexLock lock(&mutex_);
  if (free_bytes_ < bytes) return Reservation();
  free_bytes_ -= bytes;
  return Reservation(this, bytes);
}

}  // namespace cairn
