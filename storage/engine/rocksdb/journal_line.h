// The lines of the commit journal. On disk: DO NOT CHANGE. storage/FORMAT.md shows one.
//
//   cairn-journal 1 <uid>                                                            the first line
//   <hash> <durable> <partition> <sequence> <batch> <rows> <rows hash> <noun>        every other
//
// Hashes are XXH3 in lowercase hex; <hash> covers the one before it and the rest of its line, so
// that no line can change, go or come without breaking the chain.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_LINE_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/table.h"

namespace cairn::storage {

// A witnessed batch, as the journal and a row of the database hold it.
struct JournalEntry {
  Uid partition;           // of table kDirectory
  int64_t sequence = 0;    // as Witness.sequence; so are rows, rows_xxh3 and noun
  std::string batch_xxh3;  // XXH3-128 of what the batch writes, 32 hex digits
  int64_t rows = 0;
  uint64_t rows_xxh3 = 0;
  std::string noun;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

// Requires: the batch has a witness.
JournalEntry EntryOf(const Batch& batch);

// "<partition> <sequence> <batch> <rows> <rows hash> <noun>", and back; nullopt: no such text.
std::string FormatEntry(const JournalEntry& entry);
std::optional<JournalEntry> ParseEntry(absl::string_view text);

// Makes lines, each of which continues the chain.
class JournalChain {
 public:
  // `journal`: a new uid, so that lines of another file never fit.
  explicit JournalChain(const Uid& journal);

  // With its newline, as all lines.
  const std::string& first_line() const { return first_line_; }
  // `durable`: how many bytes of the file were on disk before this line was written.
  std::string Next(int64_t durable, const JournalEntry& entry);

 private:
  std::string first_line_;
  std::string hash_;  // of the line before
};

struct JournalContents {
  std::vector<JournalEntry> entries;  // in order
  int64_t torn_bytes = 0;             // at the end, of lines that were never acknowledged
};

// What a journal's file holds. A bad line is taken for torn unless a later line says that it was
// durable before. Errors: kDataLoss (the chain is broken).
absl::StatusOr<JournalContents> ParseJournal(absl::string_view file);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_JOURNAL_LINE_H_
