// The comparison at start: does the database hold what the journal saw?
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_CHECK_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/journal_line.h"

namespace cairn::storage {

// Give it every witness row, then ask. `journal` must outlive it.
class JournalCheck {
 public:
  explicit JournalCheck(const std::vector<JournalEntry>& journal);

  // The last witnessed batch of a partition, as the database has it.
  void Found(const JournalEntry& row);

  // OK if the database is nowhere behind the journal; else kDataLoss naming the first of the
  // batches that it lacks.
  absl::Status Result() const;

 private:
  const std::vector<JournalEntry>& journal_;
  // Partitions where the database is behind or, until it was found, may be: the sequence there.
  absl::flat_hash_map<Uid, int64_t> behind_;
  absl::flat_hash_map<Uid, const JournalEntry*> newest_;  // of each partition in the journal
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_CHECK_H_
