// The store's own record: the format of everything on disk, and the name of the store's life.
#ifndef CAIRN_STORAGE_FORMAT_VERSION_H_
#define CAIRN_STORAGE_FORMAT_VERSION_H_

#include "absl/status/statusor.h"
#include "cairn/storage/v1/records.pb.h"
#include "storage/store.h"

namespace cairn::storage {

inline constexpr int kFormatVersion = 1;  // what this program writes; described in FORMAT.md

// Reads the record, or writes that of a new store.
// Errors: kFailedPrecondition with reason FORMAT_TOO_NEW, kDataLoss (damaged).
absl::StatusOr<v1::StoreRecord> OpenStoreRecord(const StoreOptions& options);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_FORMAT_VERSION_H_
