// How RocksDB is set up, and why: these options decide the store's speed and its memory.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_OPTIONS_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_OPTIONS_H_

#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/engine/rocksdb/retain_filter.h"

namespace cairn::storage {

// The numbers, each with its reason. Figures are of a machine with 2 cores.
struct RocksDbTuning {
  // RocksDB's default, -1, keeps every file open: 19,000 segments (5 TB) do not open under a usual
  // limit.
  int max_open_files = 512;

  // Rows are small and many: 16 MiB a table keeps bursts of slice rows out of small files, and two
  // of each (one filling, one being written out) stay far below 100 MiB.
  size_t write_buffer_bytes = 16 << 20;
  int write_buffers = 2;
  // Of all tables together.
  size_t all_write_buffers_bytes = 48 << 20;

  // Rows, and the indexes and filters of every file: these are cached and not held per open file,
  // so that memory does not grow with the store.
  size_t block_cache_bytes = 32 << 20;
  // Chunks pass through this one: a value is pinned in a cache, not copied, and several small
  // tensors in one chunk are read once. It need hold no more than what is being sent, and being its
  // own it cannot push rows out.
  size_t chunk_cache_bytes = 8 << 20;
  int chunk_cache_shard_bits = 1;  // few shards, for entries of 1 MiB

  // Conditions mostly ask for rows that are absent: 1 % of false positives costs 10 bits a row.
  int bloom_bits = 10;

  // Bounds the log that is read again at the next start.
  size_t max_log_bytes = 64 << 20;

  // Segments: direct writes with 1 MiB cost 0.25 CPU-s/GB; 64 KiB 0.6 and 4 MiB no less. Where the
  // file system has no direct writes, buffered ones with 64 KiB cost 0.36 and with 4 MiB 1.7.
  size_t direct_buffer_bytes = 1 << 20;
  size_t buffered_buffer_bytes = 64 << 10;

  // What RocksDB writes by itself: memtables and the rewriting of segments. A rewrite of the
  // largest segment keeps ingestions waiting for 2 to 3 s at this rate.
  int64_t background_bytes_per_second = 128 << 20;
};

// Caches and the like, which the options share; made once a database.
class RocksDbOptions {
 public:
  RocksDbOptions(const RocksDbTuning& tuning, rocksdb::Env* env);

  rocksdb::DBOptions Database() const;
  // Column families of rows, and that of chunks.
  rocksdb::ColumnFamilyOptions Rows() const;
  rocksdb::ColumnFamilyOptions Chunks() const;

  // For SstFileWriter. `direct`: the file system takes O_DIRECT.
  rocksdb::EnvOptions SegmentFile(bool direct) const;
  static rocksdb::IngestExternalFileOptions Ingestion();

  const RocksDbTuning& tuning() const { return tuning_; }
  // Of the column family of chunks.
  const std::shared_ptr<RetainFilterFactory>& retain_filter() const { return retain_filter_; }

 private:
  const RocksDbTuning tuning_;
  rocksdb::Env* const env_;
  const std::shared_ptr<rocksdb::Cache> rows_cache_;
  const std::shared_ptr<rocksdb::Cache> chunk_cache_;
  const std::shared_ptr<rocksdb::RateLimiter> background_limiter_;
  const std::shared_ptr<RetainFilterFactory> retain_filter_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_OPTIONS_H_
