// The data files of a bundle while they are written: under temporary names, few open at a time,
// since a checkpoint may have more of them than a process may have descriptors.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_DATA_FILES_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_DATA_FILES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace cairn {

// `path` with ".<tag>.tmp" after it: beside the final file, since only a rename within a folder is
// atomic. No reader looks for the name.
std::string TemporaryPath(absl::string_view path, absl::string_view tag);

// Write is thread-safe, the other calls are made alone. Without Keep() the destructor removes every
// file, under whatever name it stands.
class DataFiles {
 public:
  static constexpr size_t kMaxOpen = 64;

  // `count` files of `<prefix>`, made when they are first written to. `tag` is unique to this
  // writer. `file_system` must outlive this.
  DataFiles(FileSystem* file_system, std::string prefix, int32_t count, std::string tag);
  ~DataFiles();

  int32_t count() const { return static_cast<int32_t>(files_.size()); }
  // The name that a file will have.
  std::string Path(int32_t shard) const;

  // Writes `bytes` at `offset` of a data file, in whatever order. May wait until another file is
  // closed. Errors: those of FileSystem.
  absl::Status Write(int32_t shard, int64_t offset, absl::string_view bytes);

  // Makes all files durable, also those that nothing was written to. Call once, after the last
  // Write.
  absl::Status Finish();
  // Gives the files their names. Requires: Finish().
  absl::Status Publish();
  void Keep() { keep_ = true; }

 private:
  struct File {
    std::unique_ptr<RandomWriteFile> open;
    int writers = 0;  // that use `open` now
    bool closing = false;
    bool is_there = false;  // made; its bytes are durable unless it is open
    bool has_name = false;  // stands under Path()
  };

  struct Closing {
    int32_t shard;
    std::unique_ptr<RandomWriteFile> file;
  };

  std::string Temporary(int32_t shard) const;
  // The file, open and counted as in use; nullptr if `closing` has been set and must be closed
  // first.
  absl::StatusOr<RandomWriteFile*> Acquire(int32_t shard, std::optional<Closing>* closing)
      CAIRN_REQUIRES(mutex_);
  absl::Status Open(int32_t shard) CAIRN_REQUIRES(mutex_);
  // Takes away an open file that nobody uses, the one opened first.
  std::optional<Closing> TakeIdle() CAIRN_REQUIRES(mutex_);
  absl::Status Close(Closing closing);

  FileSystem* const file_system_;
  const std::string prefix_;
  const std::string tag_;
  bool keep_ = false;
  Mutex mutex_;
  ConditionVariable changed_;  // a file was closed or is no longer in use
  std::vector<File> files_;    // guarded by mutex_ while there are writers
  std::deque<int32_t> opened_order_ CAIRN_GUARDED_BY(mutex_);
  size_t open_count_ CAIRN_GUARDED_BY(mutex_) = 0;  // with those that are closing
  // A file could not be closed: its bytes are gone, and nothing more is written.
  absl::Status failed_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_DATA_FILES_H_
