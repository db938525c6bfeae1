// Seam 1 of 2: ordered rows in partitions. What stands above knows nothing of the engine below; an
// engine knows nothing of checkpoints.
//
// The limits here hold for every engine and are checked above them all, in the public methods, so
// that code which works on one engine works on any other.
#ifndef CAIRN_STORAGE_ENGINE_TABLE_H_
#define CAIRN_STORAGE_ENGINE_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"

namespace cairn::storage {

class FaultyTable;

inline constexpr int kMaxBatchRows = 1000;  // edits and conditions together
inline constexpr size_t kMaxBatchBytes = 1 << 20;
inline constexpr size_t kMaxRowKeyBytes = 8 << 10;  // keys have at least 1 byte
inline constexpr size_t kMaxValueBytes = 64 << 10;  // values have at least 1 byte
inline constexpr size_t kMaxNounBytes = 2 << 10;    // of a witness

// Every partition that has rows ends with this one, so that a scan can prove that it saw all of
// them. No other key may begin with this byte. A caller may put the row to say more in it (see
// EndRecord).
inline constexpr absl::string_view kEndRow = "\xff";
// What an engine writes there: an EndRecord of version 1.
inline constexpr absl::string_view kEndValue = "\x08\x01";

// A set of rows in which a batch is atomic.
struct Partition {
  enum class Table {
    kCatalog,    // id: one byte, 0 to 63, or kStorePartition
    kDirectory,  // id: the directory's uid, not zero
    kSlices,     // id: the manifest's uid; needs no atomicity between batches
  };
  Table table;
  std::string id;

  static constexpr char kStorePartition = '\x40';  // the store's own facts
  static Partition Catalog(char shard) { return {Table::kCatalog, std::string(1, shard)}; }
  static Partition Directory(const Uid& uid) {
    return {Table::kDirectory, std::string(uid.bytes())};
  }
  static Partition Manifest(const Uid& uid) { return {Table::kSlices, std::string(uid.bytes())}; }

  friend bool operator==(const Partition&, const Partition&) = default;
  friend auto operator<=>(const Partition&, const Partition&) = default;
  std::string ToString() const;  // "directory/3f0c...", for messages
};

struct Row {
  std::string key;
  std::string value;
  friend bool operator==(const Row&, const Row&) = default;
};

// Compares a row before the batch is applied.
struct Condition {
  std::string key;
  std::optional<std::string> value;  // nullopt: the row must be absent
};

// Writes or, with nullopt, erases a row.
struct Edit {
  std::string key;
  std::optional<std::string> value;
};

enum class Durability {
  // On disk when Write returns.
  kSynced,
  // On disk after the next kSynced batch of any partition of this table returns.
  kBuffered,
};

// What a batch means to whoever reads the store, for an engine that keeps a witness of such batches
// apart from its rows: if rows are lost that were acknowledged, the next start can say which.
struct Witness {
  int64_t sequence = 0;    // from 1; rises with every witnessed batch of the partition
  std::string noun;        // names it to people: "runs/a@12"; one line, 1 to kMaxNounBytes
  int64_t rows = 0;        // what else it makes visible, in other partitions: how many rows,
  uint64_t rows_xxh3 = 0;  // and their hash; 0 for none
};

// All edits or none, if all conditions hold. Of several edits of one row the last one counts.
struct Batch {
  Partition partition;
  std::vector<Condition> conditions = {};
  std::vector<Edit> edits = {};
  Durability durability = Durability::kSynced;
  // Only in kSynced batches of kDirectory partitions. An engine may ignore it.
  std::optional<Witness> witness = std::nullopt;

  Batch& RequireAbsent(std::string key);
  Batch& RequireEqual(std::string key, std::string value);
  Batch& Put(std::string key, std::string value);
  Batch& Erase(std::string key);
  // Keys and values together.
  size_t bytes() const;
  // The batch leaves a row behind, so its partition must have an end row.
  bool puts() const;
};

struct WriteResult {
  // Index of the first condition that did not hold; nullopt: the batch was applied.
  std::optional<int> failed_condition;
  // That row as it was found; nullopt: absent.
  std::optional<std::string> found;
  bool applied() const { return !failed_condition.has_value(); }
};

// Rows in ascending order of unsigned bytes.
struct Page {
  std::vector<Row> rows;
  bool complete = false;  // nothing more lies in the range
};

// Thread-safe. Methods block on disk.
class Table {
 public:
  virtual ~Table() = default;

  // The row's value; nullopt when there is no such row.
  // Errors: kInvalidArgument (a limit above), kDataLoss (damaged), kUnavailable (I/O).
  absl::StatusOr<std::optional<std::string>> Get(const Partition& partition, absl::string_view key);

  // The rows of [begin, end) from `begin` on, at most `max_rows` of them and about 1 MiB, as of one
  // instant. An empty `end` means up to the end row, which is never returned. A partition without
  // any row is empty. To go on, call again with the last key and a zero byte after it. Errors:
  // kInvalidArgument (max_rows < 1), kDataLoss (rows were lost: the scan did not reach a later row;
  // or damaged), kUnavailable.
  absl::StatusOr<Page> Scan(const Partition& partition, absl::string_view begin,
                            absl::string_view end, int max_rows = kMaxBatchRows);

  // Applies the batch atomically if its conditions hold; the first batch of a partition also writes
  // its end row, for which the caller need do nothing.
  // Errors: kInvalidArgument (a limit above; an engine never sees such a batch), kAborted with
  // reason OUTCOME_UNKNOWN (the answer was lost: applied or not, and it will not happen later),
  // kResourceExhausted (disk full), kFailedPrecondition with reason STORE_READ_ONLY; these last
  // two: nothing was applied.
  absl::StatusOr<WriteResult> Write(const Batch& batch);

  // Erases every row of a partition, the end row last; in batches, so not atomically. Repeat it
  // after an error. Requires: nobody writes to the partition any more.
  absl::Status ErasePartition(const Partition& partition);

  // One page of the partitions of a table that have rows, in ascending order of id, those after
  // `after`.
  virtual absl::StatusOr<std::vector<Partition>> ListPartitions(Partition::Table table,
                                                                absl::string_view after,
                                                                int max_partitions) = 0;

  // Loses the row, which may be the end row, as a fault below would.
  absl::Status LoseRowForTest(const Partition& partition, absl::string_view key);

 protected:
  friend class FaultyTable;  // stands between the checks here and an engine

  virtual absl::StatusOr<std::optional<std::string>> DoGet(const Partition& partition,
                                                           absl::string_view key) = 0;
  // Rows from `begin` on, the end row included, as of one instant: at most `max_rows`, at most
  // kMaxBatchBytes of keys and values, and at least one if there is one.
  virtual absl::StatusOr<std::vector<Row>> DoScan(const Partition& partition,
                                                  absl::string_view begin, int max_rows) = 0;
  // Must write the end row with a batch that puts rows when the partition has none.
  virtual absl::StatusOr<WriteResult> DoWrite(const Batch& batch) = 0;

 private:
  // The rows of DoScan, at least one unless the partition has none at all.
  absl::StatusOr<std::vector<Row>> ScanOrProveEmpty(const Partition& partition,
                                                    absl::string_view begin, int max_rows);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_TABLE_H_
