#include "storage/engine/rocksdb/rocksdb_status.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/logging.h"

namespace cairn::storage {
namespace {

void Log(const rocksdb::Status& status, absl::string_view attempt) {
  CAIRN_LOG(kError) << "storage attempt=\"" << attempt << "\" rocksdb=\"" << status.ToString()
                    << "\"";
}

}  // namespace

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view attempt) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNotFound()) return absl::NotFoundError(absl::StrCat(attempt, ": not found"));
  Log(status, attempt);
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return MakeError(
        ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
        absl::StrCat(attempt,
                     ": what the disk holds is damaged; the server's log names the file, which "
                     "only a backup can replace"),
        {{"key", attempt}});
  }
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return MakeError(
        ErrorReason::ERROR_REASON_STORAGE_FULL, absl::StatusCode::kResourceExhausted,
        absl::StrCat(attempt,
                     ": the server's disk is full; delete checkpoints or give it more room"));
  }
  if (status.IsAborted()) return absl::AbortedError(absl::StrCat(attempt, ": aborted; try again"));
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut() ||
      status.IsShutdownInProgress()) {
    return absl::UnavailableError(
        absl::StrCat(attempt, ": the store is busy or closing; try again"));
  }
  if (status.IsIOError()) {
    return absl::UnavailableError(
        absl::StrCat(attempt, ": the server's disk failed; its log says how"));
  }
  return absl::InternalError(
      absl::StrCat(attempt, ": the database refused; the server's log says why"));
}

absl::Status OutcomeUnknown(const rocksdb::Status& status, absl::string_view attempt) {
  Log(status, attempt);
  return MakeError(
      ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN, absl::StatusCode::kAborted,
      absl::StrCat(attempt,
                   ": the server's disk failed while it was made durable, so it may or may not "
                   "be there after the server restarts; repeat it then with the same ids"));
}

}  // namespace cairn::storage
