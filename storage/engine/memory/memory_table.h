// A Table in memory, for tests. It keeps nothing.
#ifndef CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_TABLE_H_
#define CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_TABLE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// Thread-safe.
class MemoryTable : public Table {
 public:
  absl::StatusOr<std::vector<Partition>> ListPartitions(Partition::Table table,
                                                        absl::string_view after,
                                                        int max_partitions) override;

 protected:
  absl::StatusOr<std::optional<std::string>> DoGet(const Partition& partition,
                                                   absl::string_view key) override;
  absl::StatusOr<std::vector<Row>> DoScan(const Partition& partition, absl::string_view begin,
                                          int max_rows) override;
  absl::StatusOr<WriteResult> DoWrite(const Batch& batch) override;

 private:
  using Rows = std::map<std::string, std::string, std::less<>>;

  Mutex mutex_;
  // Only partitions that have rows.
  std::map<Partition, Rows> partitions_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_TABLE_H_
