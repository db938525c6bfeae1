#include "storage/engine/rocksdb/rocksdb_table.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <memory>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/engine/rocksdb/key_prefix.h"
#include "storage/engine/rocksdb/rocksdb_status.h"

namespace cairn::storage {
namespace {

std::string KeyOf(const Partition& partition, absl::string_view key) {
  return absl::StrCat(partition.id, key);
}

}  // namespace

rocksdb::ColumnFamilyHandle* RocksDbTable::FamilyOf(Partition::Table table) const {
  switch (table) {
    case Partition::Table::kCatalog:
      return families_.catalog;
    case Partition::Table::kDirectory:
      return families_.directory;
    case Partition::Table::kSlices:
      break;
  }
  return families_.slices;
}

Mutex* RocksDbTable::LockOf(const Partition& partition) {
  return &locks_[absl::HashOf(static_cast<int>(partition.table), partition.id) % locks_.size()];
}

absl::StatusOr<std::optional<std::string>> RocksDbTable::DoGet(const Partition& partition,
                                                               absl::string_view key) {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), FamilyOf(partition.table), KeyOf(partition, key), &value);
  if (status.IsNotFound()) return std::nullopt;
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(status, absl::StrCat("reading a row of ", partition.ToString())));
  return value;
}

absl::StatusOr<std::vector<Row>> RocksDbTable::DoScan(const Partition& partition,
                                                      absl::string_view begin, int max_rows) {
  const KeyPrefix prefix(partition.id);
  const std::unique_ptr<rocksdb::Iterator> row(
      db_->NewIterator(prefix.ReadOptions(), FamilyOf(partition.table)));
  std::vector<Row> rows;
  size_t bytes = 0;
  for (row->Seek(KeyOf(partition, begin)); row->Valid(); row->Next()) {
    const absl::string_view key(row->key().data() + partition.id.size(),
                                row->key().size() - partition.id.size());
    bytes += key.size() + row->value().size();
    if (rows.size() == static_cast<size_t>(max_rows) || (bytes > kMaxBatchBytes && !rows.empty()))
      break;
    rows.push_back({std::string(key), row->value().ToString()});
  }
  CAIRN_RETURN_IF_ERROR(
      FromRocksDb(row->status(), absl::StrCat("reading rows of ", partition.ToString())));
  return rows;
}

absl::StatusOr<WriteResult> RocksDbTable::DoWrite(const Batch& batch) {
  CAIRN_RETURN_IF_ERROR(health_->Check());
  MutexLock lock(LockOf(batch.partition));
  CAIRN_ASSIGN_OR_RETURN(WriteResult result, CheckConditions(batch));
  if (!result.applied()) return result;
  CAIRN_RETURN_IF_ERROR(Apply(batch));
  return result;
}

absl::StatusOr<WriteResult> RocksDbTable::CheckConditions(const Batch& batch) {
  for (size_t i = 0; i < batch.conditions.size(); ++i) {
    const Condition& condition = batch.conditions[i];
    CAIRN_ASSIGN_OR_RETURN(std::optional<std::string> found, DoGet(batch.partition, condition.key));
    if (found != condition.value) return WriteResult{static_cast<int>(i), std::move(found)};
  }
  return WriteResult{};
}

absl::Status RocksDbTable::Apply(const Batch& batch) {
  const std::string attempt = absl::StrCat("writing rows of ", batch.partition.ToString());
  // 8 bytes that guard each row on its way through memory to the log.
  rocksdb::WriteBatch rows(/*reserved_bytes=*/0, /*max_bytes=*/0, /*protection_bytes_per_key=*/8,
                           /*default_cf_ts_sz=*/0);
  std::optional<JournalEntry> entry;
  if (batch.witness) entry = EntryOf(batch);
  CAIRN_RETURN_IF_ERROR(AddRows(batch, &rows));
  CAIRN_RETURN_IF_ERROR(AddWitness(batch, entry, &rows));
  rocksdb::WriteOptions options;
  options.sync = batch.durability == Durability::kSynced;
  const rocksdb::Status status = db_->Write(options, &rows);
  // What reached the log before an error may be found at the next start, and a log that failed once
  // is never written again.
  if (!status.ok()) {
    health_->Fail(absl::StrCat(attempt, " failed: ", status.ToString()));
    return OutcomeUnknown(status, attempt);
  }
  return entry ? journal_->Append(*entry) : absl::OkStatus();
}

absl::Status RocksDbTable::AddRows(const Batch& batch, rocksdb::WriteBatch* rows) {
  rocksdb::ColumnFamilyHandle* const family = FamilyOf(batch.partition.table);
  const std::string attempt = absl::StrCat("writing rows of ", batch.partition.ToString());
  if (batch.puts()) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> end_row,
                           DoGet(batch.partition, kEndRow));
    if (!end_row.has_value()) {
      CAIRN_RETURN_IF_ERROR(
          FromRocksDb(rows->Put(family, KeyOf(batch.partition, kEndRow),
                                rocksdb::Slice(kEndValue.data(), kEndValue.size())),
                      attempt));
    }
  }
  for (const Edit& edit : batch.edits) {
    const std::string key = KeyOf(batch.partition, edit.key);
    CAIRN_RETURN_IF_ERROR(FromRocksDb(
        edit.value.has_value() ? rows->Put(family, key, *edit.value) : rows->Delete(family, key),
        attempt));
  }
  return absl::OkStatus();
}

absl::Status RocksDbTable::AddWitness(const Batch& batch, const std::optional<JournalEntry>& entry,
                                      rocksdb::WriteBatch* rows) {
  if (entry) return FromRocksDb(witnesses_->Put(*entry, rows), "witnessing a batch");
  const bool ends = std::any_of(batch.edits.begin(), batch.edits.end(), [](const Edit& edit) {
    return edit.key == kEndRow && !edit.value.has_value();
  });
  return ends ? witnesses_->PutErased(batch.partition, rows) : absl::OkStatus();
}

absl::StatusOr<std::vector<Partition>> RocksDbTable::ListPartitions(Partition::Table table,
                                                                    absl::string_view after,
                                                                    int max_partitions) {
  const size_t id_bytes = table == Partition::Table::kCatalog ? 1 : Uid::kBytes;
  const std::unique_ptr<rocksdb::Iterator> row(
      db_->NewIterator(KeyPrefix("").ReadOptions(), FamilyOf(table)));
  std::vector<Partition> partitions;
  if (after.empty() && table == Partition::Table::kDirectory) after = WitnessRows::prefix();
  std::optional<std::string> from = after.empty() ? std::string() : SuccessorOfPrefix(after);
  while (from.has_value() && partitions.size() < static_cast<size_t>(max_partitions)) {
    row->Seek(*from);
    if (!row->Valid()) break;
    partitions.push_back(
        {table, std::string(row->key().data(), std::min(id_bytes, row->key().size()))});
    from = SuccessorOfPrefix(partitions.back().id);
  }
  CAIRN_RETURN_IF_ERROR(FromRocksDb(row->status(), "listing partitions"));
  return partitions;
}

}  // namespace cairn::storage
