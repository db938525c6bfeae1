// Files in memory, for tests that damage and count them.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_MEMORY_FILE_SYSTEM_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace cairn {

// Not thread-safe. A folder is there when a file is in it or CreateFolders made it.
class MemoryFileSystem : public FileSystem {
 public:
  // Path to content; tests read and change it.
  std::map<std::string, std::string> files;
  // When each was written; those that are not in it in 1970.
  std::map<std::string, absl::Time> times;
  // Every change from this one on (counted from 0) fails with kUnavailable; negative: none does.
  int fail_from_change = -1;
  int changes = 0;

  absl::StatusOr<std::unique_ptr<RandomReadFile>> OpenForRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<RandomWriteFile>> CreateForWrite(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<RandomWriteFile>> ReopenForWrite(const std::string& path) override;
  absl::StatusOr<std::string> ReadWhole(const std::string& path, int64_t max_bytes) override;
  bool Exists(const std::string& path) override;
  bool IsFolder(const std::string& path) override;
  // Never: there are no links.
  bool IsLink(const std::string& path) override;
  absl::StatusOr<absl::Time> ModifiedTime(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path) override;
  absl::Status CreateFolders(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveFolder(const std::string& path) override;
  absl::Status SyncFolder(const std::string& path) override;
  absl::StatusOr<int64_t> FreeBytes(const std::string& path) override;

  // Counts a change; an error when it is to fail.
  absl::Status Change();

 private:
  absl::Status RenameFolder(const std::string& from, const std::string& to);

  std::set<std::string> folders_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_MEMORY_FILE_SYSTEM_H_
