// Files that are read at offsets, opened when they are needed and few at a time: a checkpoint may
// have more of them than a process may have descriptors.
#ifndef CAIRN_BASE_OPEN_FILES_H_
#define CAIRN_BASE_OPEN_FILES_H_

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace cairn {

// Thread-safe.
class OpenFiles {
 public:
  static constexpr size_t kMaxOpen = 64;

  // `file_system` must outlive this.
  explicit OpenFiles(FileSystem* file_system) : file_system_(file_system) {}

  // The file at `path`, which stays open while it is one of the last kMaxOpen opened or anyone
  // holds it. Errors: those of FileSystem.
  absl::StatusOr<std::shared_ptr<RandomReadFile>> Open(const std::string& path);

 private:
  FileSystem* const file_system_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<RandomReadFile>> open_ CAIRN_GUARDED_BY(mutex_);
  std::deque<std::string> opened_order_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_BASE_OPEN_FILES_H_
