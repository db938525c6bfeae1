// A Table in a RocksDB database: one column family a table, keys are the partition's id and the
// row's key.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_TABLE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_TABLE_H_

#include <rocksdb/db.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "storage/engine/rocksdb/commit_journal.h"
#include "storage/engine/rocksdb/health.h"
#include "storage/engine/rocksdb/journal_line.h"
#include "storage/engine/rocksdb/witness_rows.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// Thread-safe.
class RocksDbTable : public Table {
 public:
  struct Families {
    rocksdb::ColumnFamilyHandle* catalog;
    rocksdb::ColumnFamilyHandle* directory;
    rocksdb::ColumnFamilyHandle* slices;
  };

  // All must outlive the table.
  RocksDbTable(rocksdb::DB* db, const Families& families, const WitnessRows* witnesses,
               CommitJournal* journal, Health* health)
      : db_(db), families_(families), witnesses_(witnesses), journal_(journal), health_(health) {}

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
  rocksdb::ColumnFamilyHandle* FamilyOf(Partition::Table table) const;
  Mutex* LockOf(const Partition& partition);
  // The first condition that does not hold, if any.
  absl::StatusOr<WriteResult> CheckConditions(const Batch& batch);
  absl::Status Apply(const Batch& batch);
  absl::Status AddRows(const Batch& batch, rocksdb::WriteBatch* rows);
  // The row that goes with a witnessed batch, or with the end of a partition.
  absl::Status AddWitness(const Batch& batch, const std::optional<JournalEntry>& entry,
                          rocksdb::WriteBatch* rows);

  rocksdb::DB* const db_;
  const Families families_;
  const WitnessRows* const witnesses_;
  CommitJournal* const journal_;
  Health* const health_;
  // Held from the reading of conditions until the batch is applied and in the journal. Striped: two
  // partitions rarely meet, and RocksDB syncs the batches of those that do not together.
  std::array<Mutex, 256> locks_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_ROCKSDB_TABLE_H_
