#include "storage/engine/rocksdb/health.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/logging.h"

namespace cairn::storage {

void Health::Fail(absl::string_view cause) {
  MutexLock lock(&mutex_);
  if (!cause_.empty()) return;
  cause_ = std::string(cause);
  failed_.store(true, std::memory_order_release);
  CAIRN_LOG(kError) << "store is read-only until restart cause=\"" << cause << "\"";
}

absl::Status Health::Check() const {
  if (!read_only()) return absl::OkStatus();
  MutexLock lock(&mutex_);
  return MakeError(ErrorReason::ERROR_REASON_STORE_READ_ONLY, absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("the store takes no writes: ", cause_,
                                "; mend the disk and restart the server, reads go on meanwhile"),
                   {{"cause", cause_}});
}

}  // namespace cairn::storage
