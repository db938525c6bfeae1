// The last witnessed batch of every partition, as the database has it.
//
// These rows are in the column family of what they witness, because families are written to files
// one by one: a row in another one could outlive what it speaks of, or go before it. There they lie
// together, as the rows of the partition of the zero uid, which no caller can name, so that a start
// reads them in one go. Key: the zero uid, the partition's uid; value: FormatEntry, after "erased "
// once the partition is gone.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_WITNESS_ROWS_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_WITNESS_ROWS_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/journal_line.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// Thread-safe. Neither is owned; both must outlive this.
class WitnessRows {
 public:
  WitnessRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* directory)
      : db_(db), directory_(directory) {}

  // What all keys of these rows begin with.
  static absl::string_view prefix();

  // Adds to a batch the row that says what it is.
  rocksdb::Status Put(const JournalEntry& entry, rocksdb::WriteBatch* batch) const;
  // Adds to the batch that erases a partition that it is gone, if it ever had a witness.
  // Errors: those of reading a row.
  absl::Status PutErased(const Partition& partition, rocksdb::WriteBatch* batch) const;

  // Visits the rows in order, until an error, which it returns. `erased`: the partition is gone.
  // Errors: kDataLoss (rows were lost or are damaged), kUnavailable.
  absl::Status ForEach(
      absl::FunctionRef<absl::Status(const JournalEntry& entry, bool erased)> visit) const;
  // Drops the rows of erased partitions, buffered. Requires: no journal names them.
  absl::Status Forget(absl::Span<const Uid> erased) const;

 private:
  rocksdb::DB* const db_;
  rocksdb::ColumnFamilyHandle* const directory_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_WITNESS_ROWS_H_
