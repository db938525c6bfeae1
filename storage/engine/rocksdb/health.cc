#include "storage/engine/rocksdb/health.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/logging.h"

namespace cairn::storage {

void Health::Fail(absl::string_view cause, absl::string_view advice) {
  MutexLock lock(&mutex_);
  if (!cause_.empty()) return;
  cause_ = std::string(cause);
  advice_ = std::string(advice);
  failed_.store(true, std::memory_order_release);
  CAIRN_LOG(kError) << "store is read-only until restart cause=\"" << cause << "\"";
}

absl::Status Health::Check() const {
  if (!read_only()) return absl::OkStatus();
  MutexLock lock(&mutex_);
  return MakeError(
      ErrorReason::ERROR_REASON_STORE_READ_ONLY, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the store takes no writes: ", cause_, "; ", advice_, ", reads go on meanwhile"),
      {{"cause", cause_}});
}

}  // namespace cairn::storage
