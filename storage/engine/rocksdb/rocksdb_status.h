// RocksDB's statuses as Cairn's errors. RocksDB's own text goes to the log; clients get ours.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_STATUS_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_STATUS_H_

#include <rocksdb/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn::storage {

// OK for OK; else logs the status and returns what it means for `attempt` ("reading a row of ..."):
// NotFound kNotFound (not logged); Corruption, or a file that is gone, kDataLoss with reason
// STORED_DATA_CORRUPT; a full disk kResourceExhausted with reason STORAGE_FULL; Aborted kAborted;
// Busy, TryAgain, TimedOut, ShutdownInProgress and other I/O kUnavailable; anything else kInternal.
absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view attempt);

// The write may or may not be found after the next start. Logs the status.
absl::Status OutcomeUnknown(const rocksdb::Status& status, absl::string_view attempt);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_STATUS_H_
