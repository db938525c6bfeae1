// A disk that fails when a test says so, below RocksDB.
#ifndef CAIRN_STORAGE_ENGINE_ROCKSDB_FAILING_FILE_SYSTEM_H_
#define CAIRN_STORAGE_ENGINE_ROCKSDB_FAILING_FILE_SYSTEM_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"

namespace cairn::storage {

class FailingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FailingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FailingFileSystem"; }

  // The write-ahead log cannot be written, or only not synced.
  std::atomic<bool> log_appends_fail = false;
  std::atomic<bool> log_syncs_fail = false;
  // Nor the commit journal.
  std::atomic<bool> journal_appends_fail = false;
  std::atomic<bool> journal_syncs_fail = false;
  // Nor table files; `full`: for want of space.
  std::atomic<bool> table_appends_fail = false;
  std::atomic<bool> full = false;

  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 uint64_t* bytes, rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus status = target()->GetFreeSpace(path, options, bytes, context);
    if (full) *bytes = 0;
    return status;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    rocksdb::IOStatus status = target()->NewWritableFile(path, options, &inner, context);
    if (!status.ok()) return status;
    if (absl::EndsWith(path, ".log")) {
      *file = std::make_unique<File>(std::move(inner), this, &log_appends_fail, &log_syncs_fail);
    } else if (absl::EndsWith(path, ".sst")) {
      *file =
          std::make_unique<File>(std::move(inner), this, &table_appends_fail, &table_appends_fail);
    } else {
      *file = std::move(inner);
    }
    return status;
  }

  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    rocksdb::IOStatus status = target()->ReopenWritableFile(path, options, &inner, context);
    if (!status.ok()) return status;
    *file =
        std::make_unique<File>(std::move(inner), this, &journal_appends_fail, &journal_syncs_fail);
    return status;
  }

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    using Flag = std::atomic<bool>;
    File(std::unique_ptr<rocksdb::FSWritableFile> file, FailingFileSystem* disk, Flag* appends,
         Flag* syncs)
        : FSWritableFileOwnerWrapper(std::move(file)),
          disk_(disk),
          appends_(appends),
          syncs_(syncs) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      return *appends_ ? Failure() : target()->Append(data, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& verification,
                             rocksdb::IODebugContext* context) override {
      return *appends_ ? Failure() : target()->Append(data, options, verification, context);
    }
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* context) override {
      return *appends_ ? Failure() : target()->PositionedAppend(data, offset, options, context);
    }
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                                       const rocksdb::IOOptions& options,
                                       const rocksdb::DataVerificationInfo& verification,
                                       rocksdb::IODebugContext* context) override {
      return *appends_ ? Failure()
                       : target()->PositionedAppend(data, offset, options, verification, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      return *syncs_ ? Failure() : target()->Sync(options, context);
    }

   private:
    rocksdb::IOStatus Failure() const {
      return disk_->full ? rocksdb::IOStatus::NoSpace("test") : rocksdb::IOStatus::IOError("test");
    }

    FailingFileSystem* const disk_;
    const Flag* const appends_;
    const Flag* const syncs_;
  };
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_ROCKSDB_FAILING_FILE_SYSTEM_H_
