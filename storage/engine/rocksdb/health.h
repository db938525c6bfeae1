// Whether an engine still takes writes. The first failure is final until the process restarts:
// after a failed log write or fsync nobody knows what the disk holds.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_HEALTH_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_HEALTH_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace cairn::storage {

// Thread-safe.
class Health {
 public:
  static constexpr absl::string_view kMendDisk = "mend the disk and restart the server";

  // Ends writing; `cause` tells operators what failed, `advice` what to do. Only the first cause is
  // kept.
  void Fail(absl::string_view cause, absl::string_view advice = kMendDisk);

  bool read_only() const { return failed_.load(std::memory_order_acquire); }
  // OK while writes are taken, else kFailedPrecondition with reason STORE_READ_ONLY and the cause.
  absl::Status Check() const;

 private:
  std::atomic<bool> failed_ = false;
  mutable Mutex mutex_;
  std::string cause_ CAIRN_GUARDED_BY(mutex_);
  std::string advice_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_HEALTH_H_
