#include "storage/engine/rocksdb/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "storage/engine/rocksdb/file_checksum.h"

namespace cairn::storage {

RocksDbOptions::RocksDbOptions(const RocksDbTuning& tuning, rocksdb::Env* env)
    : tuning_(tuning),
      env_(env),
      rows_cache_(rocksdb::NewLRUCache(tuning.block_cache_bytes)),
      chunk_cache_(rocksdb::NewLRUCache(tuning.chunk_cache_bytes, tuning.chunk_cache_shard_bits)),
      background_limiter_(rocksdb::NewGenericRateLimiter(tuning.background_bytes_per_second)),
      retain_filter_(std::make_shared<RetainFilterFactory>()) {}

rocksdb::DBOptions RocksDbOptions::Database() const {
  rocksdb::DBOptions options;
  options.env = env_;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_open_files = tuning_.max_open_files;
  options.db_write_buffer_size = tuning_.all_write_buffers_bytes;
  options.max_total_wal_size = tuning_.max_log_bytes;
  // A log that is missing between others, or cut short, otherwise opens without its batches. What
  // is lost of the newest one, which is not tracked, the commit journal sees.
  options.track_and_verify_wals_in_manifest = true;
  options.file_checksum_gen_factory = NewXxh3FileChecksumFactory();
  options.rate_limiter = background_limiter_;
  // Restores read chunks in order, which the kernel's read-ahead serves; RocksDB would turn it off.
  options.advise_random_on_open = false;
  // RocksDB's own log is for its developers; what fails goes to ours.
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = 4 << 20;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions RocksDbOptions::Rows() const {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rows_cache_;
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(tuning_.bloom_bits));
  // Debian's RocksDB computes crc32c without the CPU's instruction.
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = tuning_.write_buffer_bytes;
  options.max_write_buffer_number = tuning_.write_buffers;
  options.compression = rocksdb::kLZ4Compression;  // keys and records repeat each other
  return options;
}

rocksdb::ColumnFamilyOptions RocksDbOptions::Chunks() const {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = chunk_cache_;
  table.cache_index_and_filter_blocks = true;
  // A block ends before a chunk that would not fit: the header stands alone and is read alone.
  table.block_size_deviation = 99;
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // weights do not compress
  options.disable_auto_compactions = true;  // segments never overlap: there is nothing to merge
  options.write_buffer_size = 64 << 10;     // nothing is ever put there
  options.compaction_filter_factory = retain_filter_;
  return options;
}

rocksdb::EnvOptions RocksDbOptions::SegmentFile(bool direct) const {
  rocksdb::EnvOptions options{Database()};
  options.rate_limiter = nullptr;  // savers do not wait for what goes on in the background
  options.use_mmap_writes = false;
  options.use_direct_writes = direct;
  options.writable_file_max_buffer_size =
      direct ? tuning_.direct_buffer_bytes : tuning_.buffered_buffer_bytes;
  return options;
}

rocksdb::IngestExternalFileOptions RocksDbOptions::Ingestion() {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = false;  // a copy would pass the bytes twice, unnoticed
  options.write_global_seqno = false;             // the file stays as it was summed
  // A segment's keys are new, so that it needs neither a sequence number nor anything to move: a
  // refusal is a bug, and a file in an upper level could never be freed.
  options.snapshot_consistency = false;
  options.allow_global_seqno = false;
  options.allow_blocking_flush = false;
  options.fail_if_not_bottommost_level = true;
  options.verify_file_checksum =
      false;  // it would read the file again; the writer's sum is recorded
  return options;
}

}  // namespace cairn::storage
