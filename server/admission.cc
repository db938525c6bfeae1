#include "server/admission.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"

namespace cairn::server {
namespace {

// Long enough for a stream to end or a server to be restarted, short beside a save.
constexpr int kRetryStreamSeconds = 1;
constexpr int kRetryDrainingSeconds = 5;

absl::Status WithRetryDelay(const absl::Status& status, int seconds) {
  ErrorDetail detail = DetailOf(status);
  detail.mutable_retry_delay()->set_seconds(seconds);
  return WithDetail(status, detail);
}

}  // namespace

Admission::Admission(AdmissionOptions options)
    : options_(std::move(options)), buffers_(options_.buffer_bytes) {}

Admission::StreamSlot::StreamSlot(Admission* admission, MemoryBudget::Reservation buffers)
    : admission_(admission), buffers_(std::move(buffers)) {}

Admission::StreamSlot::StreamSlot(StreamSlot&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)), buffers_(std::move(other.buffers_)) {}

Admission::StreamSlot::~StreamSlot() {
  if (admission_ == nullptr) return;
  buffers_.Release();
  admission_->ReleaseStream();
}

absl::Status Admission::CheckNotDraining() {
  if (!draining_) return absl::OkStatus();
  return WithRetryDelay(
      MakeError(ErrorReason::ERROR_REASON_SERVER_DRAINING, absl::StatusCode::kUnavailable,
                "the server is stopping and takes nothing new; connect again when it is back"),
      kRetryDrainingSeconds);
}

absl::StatusOr<Admission::StreamSlot> Admission::AdmitStream() {
  MutexLock lock(&mutex_);
  CAIRN_RETURN_IF_ERROR(CheckNotDraining());
  MemoryBudget::Reservation buffers;
  if (streams_ < options_.max_streams) buffers = buffers_.TryReserve(kStreamBufferBytes);
  if (!buffers) {
    return WithRetryDelay(
        MakeError(ErrorReason::ERROR_REASON_TOO_MANY_STREAMS, absl::StatusCode::kResourceExhausted,
                  absl::StrCat("cannot open another stream: ", streams_,
                               " are running and the server has room for no more; try again when "
                               "one has ended, or open fewer at a time")),
        kRetryStreamSeconds);
  }
  ++streams_;
  return StreamSlot(this, std::move(buffers));
}

absl::Status Admission::AdmitSave() {
  {
    MutexLock lock(&mutex_);
    CAIRN_RETURN_IF_ERROR(CheckNotDraining());
  }
  return CheckDisk();
}

absl::Status Admission::CheckDisk() {
  if (options_.data.empty()) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(int64_t free_bytes, options_.files->FreeBytes(options_.data),
                         "looking for free disk space");
  if (free_bytes >= options_.reserve_bytes) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_STORAGE_FULL, absl::StatusCode::kResourceExhausted,
      absl::StrCat("the server's disk is nearly full: ", HumanBytes(free_bytes), " are free and ",
                   HumanBytes(options_.reserve_bytes),
                   " are kept in reserve; delete checkpoints or give the server more disk"),
      {{"free_bytes", absl::StrCat(free_bytes)},
       {"reserve_bytes", absl::StrCat(options_.reserve_bytes)}});
}

void Admission::Drain() {
  MutexLock lock(&mutex_);
  draining_ = true;
}

bool Admission::WaitForStreams(absl::Duration timeout) {
  const absl::Time deadline = options_.clock->Now() + timeout;
  MutexLock lock(&mutex_);
  while (streams_ > 0) {
    const absl::Duration left = deadline - options_.clock->Now();
    if (left <= absl::ZeroDuration()) return false;
    stream_ended_.WaitFor(&mutex_, left);
  }
  return true;
}

void Admission::ReleaseStream() {
  MutexLock lock(&mutex_);
  --streams_;
  stream_ended_.NotifyAll();
}

}  // namespace cairn::server
