#include "storage/engine/rocksdb/commit_journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/logging.h"
#include "storage/engine/rocksdb/journal_check.h"
#include "storage/engine/rocksdb/rocksdb_status.h"

namespace cairn::storage {
namespace {

constexpr int64_t kMaxFileBytes = 1 << 30;  // 5 million directories
constexpr size_t kNewFileBuffer = 1 << 20;

}  // namespace

// A file in the making, with its chain.
class CommitJournal::NewFile {
 public:
  NewFile() : chain_(Random::System()->NextUid()), buffer_(chain_.first_line()) {}

  absl::Status Create(const std::string& path) {
    CAIRN_ASSIGN_OR_RETURN(file_, AtomicFile::Create(FileSystem::System(), path, /*replace=*/true));
    return absl::OkStatus();
  }

  absl::Status Add(const JournalEntry& entry) {
    // The file gets its name when all of it is durable, so that every line is to its readers.
    absl::StrAppend(&buffer_, chain_.Next(size_bytes(), entry));
    return buffer_.size() < kNewFileBuffer ? absl::OkStatus() : WriteBuffer();
  }

  absl::Status Publish() {
    CAIRN_RETURN_IF_ERROR(WriteBuffer());
    return file_->Publish();
  }

  int64_t size_bytes() const { return written_bytes_ + static_cast<int64_t>(buffer_.size()); }
  JournalChain TakeChain() { return std::move(chain_); }

 private:
  absl::Status WriteBuffer() {
    CAIRN_RETURN_IF_ERROR(file_->Write(written_bytes_, buffer_));
    written_bytes_ = size_bytes();
    buffer_.clear();
    return absl::OkStatus();
  }

  JournalChain chain_;
  std::unique_ptr<AtomicFile> file_;
  std::string buffer_;
  int64_t written_bytes_ = 0;
};

absl::Status CommitJournal::Check() const {
  FileSystem* const files = FileSystem::System();
  if (!files->Exists(options_.path)) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(const std::string file, files->ReadWhole(options_.path, kMaxFileBytes),
                         "reading the commit journal");
  CAIRN_ASSIGN_OR_RETURN(const JournalContents contents, ParseJournal(file));
  if (contents.torn_bytes > 0) {
    CAIRN_LOG(kWarning) << "commit journal ends in a line that was never acknowledged bytes="
                        << contents.torn_bytes;
  }
  JournalCheck check(contents.entries);
  CAIRN_RETURN_IF_ERROR(options_.rows->ForEach([&](const JournalEntry& row, bool /*erased*/) {
    check.Found(row);
    return absl::OkStatus();
  }));
  return check.Result();
}

absl::Status CommitJournal::Start() {
  CAIRN_RETURN_IF_ERROR(Rotate(), "beginning a new commit journal");
  return absl::OkStatus();
}

absl::Status CommitJournal::Append(const JournalEntry& entry) {
  MutexLock lock(&mutex_);
  waiting_.push_back(entry);
  const int64_t ours = ++queued_;
  while (durable_ < ours && failure_.ok()) {
    if (writing_) {
      changed_.Wait(&mutex_);
    } else {
      WriteWaiting();
    }
  }
  return durable_ >= ours ? absl::OkStatus() : failure_;
}

void CommitJournal::WriteWaiting() {
  writing_ = true;
  const std::vector<JournalEntry> entries = std::exchange(waiting_, {});
  const int64_t last = queued_;
  mutex_.Unlock();
  absl::Status status = WriteLines(entries);
  mutex_.Lock();
  writing_ = false;
  if (status.ok()) {
    durable_ = last;
  } else {
    failure_ = std::move(status);
  }
  changed_.NotifyAll();
}

absl::Status CommitJournal::WriteLines(const std::vector<JournalEntry>& entries) {
  if (const absl::Status rotated = RotateIfLarge(); !rotated.ok()) return Failed(rotated.message());
  std::string lines;
  for (const JournalEntry& entry : entries) {
    absl::StrAppend(&lines, chain_->Next(size_bytes_, entry));
  }
  rocksdb::Status status = file_->Append(lines);
  if (status.ok()) status = file_->Sync();
  if (!status.ok()) return Failed(status.ToString());
  size_bytes_ += static_cast<int64_t>(lines.size());
  return absl::OkStatus();
}

absl::Status CommitJournal::Failed(absl::string_view cause) const {
  options_.health->Fail(absl::StrCat("writing the commit journal failed: ", cause));
  return OutcomeUnknown(rocksdb::Status::IOError(rocksdb::Slice(cause.data(), cause.size())),
                        "writing the commit journal");
}

absl::Status CommitJournal::RotateIfLarge() {
  if (size_bytes_ < rotate_bytes_) return absl::OkStatus();
  const absl::Status status = Rotate();
  // On a full disk the old file is as good; it grows until there is room for another.
  if (!absl::IsResourceExhausted(status) || file_ == nullptr) return status;
  CAIRN_LOG(kWarning) << "commit journal is not replaced: " << status.message();
  rotate_bytes_ = 2 * size_bytes_;
  return absl::OkStatus();
}

absl::Status CommitJournal::Rotate() {
  NewFile file;
  std::vector<Uid> erased_partitions;
  CAIRN_RETURN_IF_ERROR(file.Create(options_.path));
  CAIRN_RETURN_IF_ERROR(options_.rows->ForEach([&](const JournalEntry& row, bool erased) {
    if (!erased) return file.Add(row);
    erased_partitions.push_back(row.partition);
    return absl::OkStatus();
  }));
  CAIRN_RETURN_IF_ERROR(file.Publish());
  file_.reset();
  const rocksdb::Status opened = options_.env->ReopenWritableFile(options_.path, &file_, {});
  CAIRN_RETURN_IF_ERROR(FromRocksDb(opened, "opening the commit journal"));
  chain_.emplace(file.TakeChain());
  size_bytes_ = file.size_bytes();
  rotate_bytes_ = std::max(options_.min_rotate_bytes, 2 * size_bytes_);
  // Best effort: the next replacement passes over those that stay.
  options_.rows->Forget(erased_partitions).IgnoreError();
  return absl::OkStatus();
}

}  // namespace cairn::storage
