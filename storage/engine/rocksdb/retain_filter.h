// What a compaction of the column family of chunks leaves out.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_RETAIN_FILTER_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_RETAIN_FILTER_H_

#include <rocksdb/compaction_filter.h>

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "base/mutex.h"
#include "base/uid.h"

namespace cairn::storage {

// Makes the filters of compactions: none, unless a segment is being rewritten. Thread-safe.
class RetainFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  // From here to End(), compactions drop the chunks of `segment` but its header and `live`
  // (ascending).
  void Begin(const Uid& segment, absl::Span<const uint32_t> live);
  void End();

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "cairn.retain"; }

 private:
  struct Retained;
  class RetainFilter;

  Mutex mutex_;
  std::shared_ptr<const Retained> retained_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_RETAIN_FILTER_H_
