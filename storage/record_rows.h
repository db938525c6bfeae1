// Rows that hold records: read with the bytes that a condition needs, scanned by prefix, written
// once.
#ifndef CAIRN_STORAGE_RECORD_ROWS_H_
#define CAIRN_STORAGE_RECORD_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/uid.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// A record and the row's value that it was read from: maps have no one serialized form, so a
// condition compares these bytes.
template <typename Record>
struct Stored {
  Record record;
  std::string bytes;
};

// kDataLoss with reason STORED_DATA_CORRUPT, naming the row.
absl::Status DamagedRow(const Partition& partition, absl::string_view key);

// Errors: kDataLoss (the bytes are no such record).
template <typename Record>
absl::StatusOr<Stored<Record>> ParseRecord(const Partition& partition, absl::string_view key,
                                           std::string bytes) {
  Stored<Record> stored{.record = {}, .bytes = std::move(bytes)};
  if (!stored.record.ParseFromString(stored.bytes)) return DamagedRow(partition, key);
  return stored;
}

// nullopt when there is no such row.
template <typename Record>
absl::StatusOr<std::optional<Stored<Record>>> ReadRecord(Table* table, const Partition& partition,
                                                         absl::string_view key) {
  CAIRN_ASSIGN_OR_RETURN(std::optional<std::string> bytes, table->Get(partition, key));
  if (!bytes) return std::nullopt;
  CAIRN_ASSIGN_OR_RETURN(Stored<Record> stored,
                         ParseRecord<Record>(partition, key, *std::move(bytes)));
  return stored;
}

// The uid that a row's value is; nullopt when there is no such row.
absl::StatusOr<std::optional<Uid>> ReadUid(Table* table, const Partition& partition,
                                           absl::string_view key);

// The uid that `bytes` are. Requires: they come from a record or key of ours, so that others are
// damage.
absl::StatusOr<Uid> UidFromRow(const Partition& partition, absl::string_view key,
                               absl::string_view bytes);

// Visits the rows of [begin, end) in order, page by page, until `visit` returns false or an error.
absl::Status VisitRows(Table* table, const Partition& partition, absl::string_view begin,
                       absl::string_view end,
                       absl::FunctionRef<absl::StatusOr<bool>(const Row&)> visit);

// The last rows, at most `max_rows` of them, whose key is `prefix` and a big-endian number below
// `below` (nullopt: any), in descending order.
absl::StatusOr<std::vector<Row>> ScanDescending(Table* table, const Partition& partition,
                                                absl::string_view prefix,
                                                std::optional<uint64_t> below, int max_rows);

// --- Optimistic concurrency: read rows, write a batch with the condition that they are unchanged,
// look again if they are not. An unknown outcome is met in the same way: having looked again, the
// caller sees from the rows whether the batch was applied.

inline constexpr int kMaxAttempts = 32;

class Attempts {
 public:
  // `what` is attempted, for the error: "saving runs/a". Requires: outlives this.
  explicit Attempts(absl::string_view what) : what_(what) {}

  // True once the batch was applied; false: look again. Errors: the engine's, but for an unknown
  // outcome.
  absl::StatusOr<bool> Write(Table* table, const Batch& batch);

  // Whether one more attempt is allowed.
  bool Next() { return count_++ < kMaxAttempts; }
  // Whether an earlier attempt may have been applied.
  bool maybe_applied() const { return !unknown_.ok(); }
  // What to return when there are no more: the last unknown outcome, or kAborted.
  absl::Status Exhausted() const;
  // The unknown outcome, for a caller whom the rows cannot tell. Requires: maybe_applied().
  const absl::Status& unknown() const { return unknown_; }

 private:
  const absl::string_view what_;
  int count_ = 0;
  absl::Status unknown_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_RECORD_ROWS_H_
