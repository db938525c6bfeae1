// The commit journal: a witness of what was acknowledged, beside the database. Nothing is replayed
// from it. A damaged log otherwise opens silently without its last batches; with the journal the
// next start sees that the database is behind, and names what it lacks.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_COMMIT_JOURNAL_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_COMMIT_JOURNAL_H_

#include <rocksdb/env.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "storage/engine/rocksdb/health.h"
#include "storage/engine/rocksdb/journal_line.h"
#include "storage/engine/rocksdb/witness_rows.h"

namespace cairn::storage {

// Thread-safe.
class CommitJournal {
 public:
  struct Options {
    std::string path;
    rocksdb::Env* env;        // writes the lines
    const WitnessRows* rows;  // what a new file begins with
    Health* health;           // hears of failures
    // A file is replaced at this size, or at twice what was left of it by the last replacement.
    int64_t min_rotate_bytes = 4 << 20;
  };

  // All that the options point to must outlive the journal.
  explicit CommitJournal(Options options) : options_(std::move(options)) {}

  // Compares the file, if there is one, with the witness rows. Errors: kDataLoss (the database is
  // behind, or the file is damaged), those of reading the file.
  absl::Status Check() const;

  // Begins a new file with what the rows hold, in place of the one that is there, if any. Call it
  // once, before Append.
  absl::Status Start();

  // Makes the entry durable; several at once are made so together. Two of one partition must come
  // in order. Requires: its batch is durable in the database.
  // Errors: kAborted with reason OUTCOME_UNKNOWN (the disk failed; the journal takes nothing more
  // and the health is told).
  absl::Status Append(const JournalEntry& entry);

 private:
  class NewFile;

  // Writes what waits. Requires: nobody else does. Lets go of the mutex meanwhile.
  void WriteWaiting() CAIRN_REQUIRES(mutex_);
  absl::Status WriteLines(const std::vector<JournalEntry>& entries);
  // Errors: those that leave no file to write to.
  absl::Status RotateIfLarge();
  absl::Status Rotate();
  // Tells the health. The error of whoever waits.
  absl::Status Failed(absl::string_view cause) const;

  const Options options_;

  Mutex mutex_;
  ConditionVariable changed_;
  std::vector<JournalEntry> waiting_ CAIRN_GUARDED_BY(mutex_);
  int64_t queued_ CAIRN_GUARDED_BY(mutex_) = 0;   // entries ever given to Append
  int64_t durable_ CAIRN_GUARDED_BY(mutex_) = 0;  // how many of them are
  bool writing_ CAIRN_GUARDED_BY(mutex_) = false;
  absl::Status failure_ CAIRN_GUARDED_BY(mutex_);

  // Of whoever set writing_.
  std::unique_ptr<rocksdb::WritableFile> file_;
  std::optional<JournalChain> chain_;
  int64_t size_bytes_ = 0;
  int64_t rotate_bytes_ = 0;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_COMMIT_JOURNAL_H_
