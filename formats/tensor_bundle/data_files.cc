#include "formats/tensor_bundle/data_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {

std::string TemporaryPath(absl::string_view path, absl::string_view tag) {
  return absl::StrCat(path, ".", tag, ".tmp");
}

DataFiles::DataFiles(FileSystem* file_system, std::string prefix, int32_t count, std::string tag)
    : file_system_(file_system), prefix_(std::move(prefix)), tag_(std::move(tag)), files_(count) {}

DataFiles::~DataFiles() {
  if (keep_) return;
  for (int32_t shard = 0; shard < count(); ++shard) {
    File& file = files_[shard];
    // One that is open goes by itself. What cannot be removed stays as a file without an index.
    if (file.open != nullptr || !file.is_there) continue;
    file_system_->Remove(file.has_name ? Path(shard) : Temporary(shard)).IgnoreError();
  }
}

std::string DataFiles::Path(int32_t shard) const { return ShardPath(prefix_, shard, count()); }

std::string DataFiles::Temporary(int32_t shard) const { return TemporaryPath(Path(shard), tag_); }

absl::Status DataFiles::Write(int32_t shard, int64_t offset, absl::string_view bytes) {
  RandomWriteFile* file = nullptr;
  while (file == nullptr) {
    std::optional<Closing> closing;
    {
      MutexLock lock(&mutex_);
      CAIRN_ASSIGN_OR_RETURN(file, Acquire(shard, &closing));
    }
    if (closing.has_value()) CAIRN_RETURN_IF_ERROR(Close(*std::move(closing)));
  }
  const absl::Status written = file->Write(offset, bytes);
  MutexLock lock(&mutex_);
  if (--files_[shard].writers == 0) changed_.NotifyAll();
  return written;
}

absl::StatusOr<RandomWriteFile*> DataFiles::Acquire(int32_t shard,
                                                    std::optional<Closing>* closing) {
  File& file = files_[shard];
  while (failed_.ok()) {
    if (file.open == nullptr && !file.closing && open_count_ < kMaxOpen) {
      CAIRN_RETURN_IF_ERROR(Open(shard));
    }
    if (file.open != nullptr) {
      ++file.writers;
      return file.open.get();
    }
    if (!file.closing) *closing = TakeIdle();
    if (closing->has_value()) return nullptr;
    changed_.Wait(&mutex_);
  }
  return failed_;
}

absl::Status DataFiles::Open(int32_t shard) {
  File& file = files_[shard];
  const std::string path = Temporary(shard);
  CAIRN_ASSIGN_OR_RETURN(file.open, file.is_there ? file_system_->ReopenForWrite(path)
                                                  : file_system_->CreateForWrite(path));
  file.is_there = true;
  ++open_count_;
  opened_order_.push_back(shard);
  return absl::OkStatus();
}

std::optional<DataFiles::Closing> DataFiles::TakeIdle() {
  const auto idle = std::find_if(opened_order_.begin(), opened_order_.end(),
                                 [this](int32_t shard) { return files_[shard].writers == 0; });
  if (idle == opened_order_.end()) return std::nullopt;
  const int32_t shard = *idle;
  opened_order_.erase(idle);
  files_[shard].closing = true;
  return Closing{shard, std::move(files_[shard].open)};
}

// Its bytes are made durable here and not at the end: a write-back that fails while nobody holds
// the file may be told to nobody.
absl::Status DataFiles::Close(Closing closing) {
  const absl::Status finished = closing.file->Finish();
  closing.file.reset();
  MutexLock lock(&mutex_);
  File& file = files_[closing.shard];
  file.closing = false;
  file.is_there = finished.ok();
  failed_.Update(finished);
  --open_count_;
  changed_.NotifyAll();
  return finished;
}

absl::Status DataFiles::Finish() {
  {
    MutexLock lock(&mutex_);
    CAIRN_RETURN_IF_ERROR(failed_);
  }
  for (int32_t shard = 0; shard < count(); ++shard) {
    File& file = files_[shard];
    if (file.is_there && file.open == nullptr) continue;
    if (!file.is_there) {
      CAIRN_ASSIGN_OR_RETURN(file.open, file_system_->CreateForWrite(Temporary(shard)));
      file.is_there = true;
    }
    CAIRN_RETURN_IF_ERROR(file.open->Finish());
    file.open.reset();
  }
  return absl::OkStatus();
}

absl::Status DataFiles::Publish() {
  for (int32_t shard = 0; shard < count(); ++shard) {
    CAIRN_RETURN_IF_ERROR(file_system_->Rename(Temporary(shard), Path(shard)));
    files_[shard].has_name = true;
  }
  return absl::OkStatus();
}

}  // namespace cairn
