// Who may come in: stream slots, buffer memory, disk and draining. What is refused says when to try
// again.
#ifndef CAIRN_SERVER_ADMISSION_H_
#define CAIRN_SERVER_ADMISSION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/memory_budget.h"
#include "base/mutex.h"

namespace cairn::server {

// What one stream may hold at a time: the message that it works on and the one that gRPC receives
// or sends meanwhile, or the piece that storage fills.
inline constexpr int64_t kStreamBufferBytes = 2 << 20;

struct AdmissionOptions {
  int max_streams = 64;
  int64_t buffer_bytes = 128 << 20;  // at least kStreamBufferBytes
  int64_t reserve_bytes = 1 << 30;
  std::string data;  // folder of the store; empty: the disk is not looked at
  FileSystem* files = FileSystem::System();
  Clock* clock = Clock::System();
};

// Thread-safe. Outlives its slots.
class Admission {
 public:
  explicit Admission(AdmissionOptions options);

  // A running stream's place; given back on destruction. Move-only.
  class StreamSlot {
   public:
    StreamSlot(StreamSlot&& other) noexcept;
    StreamSlot& operator=(StreamSlot&&) = delete;
    ~StreamSlot();

   private:
    friend class Admission;
    StreamSlot(Admission* admission, MemoryBudget::Reservation buffers);
    Admission* admission_;
    MemoryBudget::Reservation buffers_;
  };

  // Errors: kUnavailable with reason SERVER_DRAINING, kResourceExhausted with reason
  // TOO_MANY_STREAMS, both with a retry delay.
  absl::StatusOr<StreamSlot> AdmitStream();

  // Whether a new save may begin. Errors: kUnavailable with reason SERVER_DRAINING; as CheckDisk.
  absl::Status AdmitSave();

  // Whether bytes may be written. Errors: kResourceExhausted with reason STORAGE_FULL.
  absl::Status CheckDisk();

  // From now on no save and no stream begins.
  void Drain();
  // Waits until no stream runs; false if `timeout` passes first.
  bool WaitForStreams(absl::Duration timeout);

  int max_streams() const { return options_.max_streams; }

 private:
  absl::Status CheckNotDraining() CAIRN_REQUIRES(mutex_);
  void ReleaseStream();

  const AdmissionOptions options_;
  MemoryBudget buffers_;
  Mutex mutex_;
  ConditionVariable stream_ended_;
  int streams_ CAIRN_GUARDED_BY(mutex_) = 0;
  bool draining_ CAIRN_GUARDED_BY(mutex_) = false;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_ADMISSION_H_
