// Segments as table files of their own, which RocksDB takes in whole. Key: the segment's uid and
// the chunk's number (4 bytes, big-endian); value: the chunk as stored.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_SEGMENT_STORE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_SEGMENT_STORE_H_

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/health.h"
#include "storage/engine/rocksdb/ingestion_gate.h"
#include "storage/engine/rocksdb/retain_filter.h"
#include "storage/engine/segment_store.h"

namespace cairn::storage {

// Thread-safe. Must outlive its writers and what it pinned.
class RocksDbSegmentStore : public SegmentStore {
 public:
  struct Files {
    std::string folder;               // where segments are written, on the database's file system
    rocksdb::Options options;         // the column family's and the database's
    rocksdb::EnvOptions env_options;  // how to write
    std::shared_ptr<RetainFilterFactory> retain_filter;  // the column family's
  };

  // `db`, `chunks` and `health` must outlive the store.
  RocksDbSegmentStore(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* chunks, Files files,
                      Health* health)
      : db_(db), chunks_(chunks), files_(std::move(files)), health_(health) {}

  absl::Status Remove(absl::Span<const Uid> uids) override;
  absl::Status Retain(const Uid& uid, absl::Span<const uint32_t> live) override;
  absl::StatusOr<int64_t> StoredBytes(const Uid& uid) override;
  absl::Status Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) override;

 protected:
  absl::StatusOr<std::unique_ptr<SegmentWriter>> DoNewWriter(const Uid& uid) override;
  absl::StatusOr<PinnedBytes> DoRead(const Uid& uid, uint32_t chunk, bool verify) override;

 private:
  // The name of the segment's file; empty: there is none.
  absl::StatusOr<std::string> FileOf(const Uid& uid);
  // Errors: kResourceExhausted with reason STORAGE_FULL (no room to write it once more).
  absl::Status CheckRoomFor(const Uid& uid);
  // Segments from the key `*from` on, which becomes where the next page begins.
  absl::StatusOr<std::vector<SegmentInfo>> WalkPage(std::string* from);

  rocksdb::DB* const db_;
  rocksdb::ColumnFamilyHandle* const chunks_;
  const Files files_;
  Health* const health_;
  IngestionGate gate_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_SEGMENT_STORE_H_
