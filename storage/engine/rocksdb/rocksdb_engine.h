// Cairn's engine on one machine: a RocksDB database in a folder.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_ENGINE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace cairn::storage {

// Thread-safe. Outlives all that its table and its segments gave out.
class RocksDbEngine {
 public:
  struct Options {
    // At what size of its file the commit journal begins another.
    int64_t journal_bytes = 4 << 20;
    rocksdb::Env* env_for_test = nullptr;  // through which a test makes the disk fail
  };

  // Opens or makes the database in `folder`, making the folder if need be. One process at a time.
  // If the commit journal saw batches acknowledged that the database lacks, or is damaged itself,
  // the engine opens for reading only, and health() says why.
  // Errors: kFailedPrecondition with reason STORE_LOCKED (another process has it open),
  // kPermissionDenied (cannot be read, written or made), kResourceExhausted (too few file
  // descriptors, or disk full), kDataLoss (damaged), kUnavailable (I/O).
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> Open(const std::string& folder,
                                                             const Options& options);
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> Open(const std::string& folder);

  ~RocksDbEngine();

  Table* table();
  SegmentStore* segments();

  // The disk failed under a write, or has lost some: no writes are taken until the process
  // restarts; reads go on.
  bool read_only() const;
  // OK, or kFailedPrecondition with reason STORE_READ_ONLY and the cause.
  absl::Status health() const;

 private:
  struct Parts;
  explicit RocksDbEngine(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_ENGINE_H_
