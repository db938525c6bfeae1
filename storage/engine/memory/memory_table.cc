#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

std::optional<std::string> Find(const std::map<std::string, std::string, std::less<>>& rows,
                                absl::string_view key) {
  const auto row = rows.find(key);
  if (row == rows.end()) return std::nullopt;
  return row->second;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> MemoryTable::DoGet(const Partition& partition,
                                                              absl::string_view key) {
  MutexLock lock(&mutex_);
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? std::nullopt : Find(found->second, key);
}

absl::StatusOr<std::vector<Row>> MemoryTable::DoScan(const Partition& partition,
                                                     absl::string_view begin, int max_rows) {
  MutexLock lock(&mutex_);
  std::vector<Row> rows;
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return rows;
  size_t bytes = 0;
  const Rows& all = found->second;
  for (auto row = all.lower_bound(begin); row != all.end(); ++row) {
    bytes += row->first.size() + row->second.size();
    if (rows.size() == static_cast<size_t>(max_rows) || bytes > kMaxBatchBytes) break;
    rows.push_back({row->first, row->second});
  }
  return rows;
}

absl::StatusOr<WriteResult> MemoryTable::DoWrite(const Batch& batch) {
  MutexLock lock(&mutex_);
  Rows& rows = partitions_[batch.partition];
  WriteResult result;
  for (size_t i = 0; i < batch.conditions.size() && result.applied(); ++i) {
    const Condition& condition = batch.conditions[i];
    std::optional<std::string> found = Find(rows, condition.key);
    if (found != condition.value) result = {static_cast<int>(i), std::move(found)};
  }
  if (result.applied()) {
    if (batch.puts()) rows.emplace(kEndRow, kEndValue);
    for (const Edit& edit : batch.edits) {
      if (edit.value.has_value()) {
        rows.insert_or_assign(edit.key, *edit.value);
      } else {
        rows.erase(edit.key);
      }
    }
  }
  if (rows.empty()) partitions_.erase(batch.partition);
  return result;
}

absl::StatusOr<std::vector<Partition>> MemoryTable::ListPartitions(Partition::Table table,
                                                                   absl::string_view after,
                                                                   int max_partitions) {
  MutexLock lock(&mutex_);
  std::vector<Partition> partitions;
  for (auto found = partitions_.upper_bound({table, std::string(after)});
       found != partitions_.end() && found->first.table == table; ++found) {
    if (partitions.size() == static_cast<size_t>(max_partitions)) break;
    partitions.push_back(found->first);
  }
  return partitions;
}

}  // namespace cairn::storage
