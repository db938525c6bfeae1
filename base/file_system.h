// The few things that Cairn asks of files, as an interface, so that tests own them: truncate, fail,
// fill the disk. Paths are as the operating system takes them.
#ifndef CAIRN_BASE_FILE_SYSTEM_H_
#define CAIRN_BASE_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace cairn {

// A file that is read at offsets. Thread-safe.
class RandomReadFile {
 public:
  virtual ~RandomReadFile() = default;
  // Fills `out` from `offset` (bytes). Errors: kOutOfRange (the file ends before), kDataLoss (I/O).
  virtual absl::Status Read(int64_t offset, absl::Span<char> out) const = 0;
  virtual int64_t size_bytes() const = 0;  // as of the opening
};

// A file that is written at offsets, by several threads at once where the ranges differ. Without
// Finish() the destructor removes it.
class RandomWriteFile {
 public:
  virtual ~RandomWriteFile() = default;
  // Errors: kResourceExhausted (disk full), kUnavailable (I/O).
  virtual absl::Status Write(int64_t offset, absl::string_view bytes) = 0;
  // Makes the content durable and closes the file, which stays. Call once.
  virtual absl::Status Finish() = 0;
};

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Errors (all of these): kNotFound, kPermissionDenied, kUnavailable (other I/O), naming the path.
  virtual absl::StatusOr<std::unique_ptr<RandomReadFile>> OpenForRead(const std::string& path) = 0;
  // Errors: kAlreadyExists (`path` is there).
  virtual absl::StatusOr<std::unique_ptr<RandomWriteFile>> CreateForWrite(
      const std::string& path) = 0;
  // A file that was finished, to be written on: what it holds stays.
  virtual absl::StatusOr<std::unique_ptr<RandomWriteFile>> ReopenForWrite(
      const std::string& path) = 0;
  // The whole file. Errors: kResourceExhausted (larger than `max_bytes`).
  virtual absl::StatusOr<std::string> ReadWhole(const std::string& path, int64_t max_bytes) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual bool IsFolder(const std::string& path) = 0;
  // Whether `path` itself is a symbolic link, wherever it leads.
  virtual bool IsLink(const std::string& path) = 0;
  // When the content was last written.
  virtual absl::StatusOr<absl::Time> ModifiedTime(const std::string& path) = 0;
  // Names (without the folder), sorted.
  virtual absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path) = 0;
  // Creates the folder and its parents; an existing one is success.
  virtual absl::Status CreateFolders(const std::string& path) = 0;
  // A file or a folder. Atomically replaces `to`, a file or an empty folder.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A file or an empty folder.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Everything in the folder, and the folder. Links are removed, not followed.
  virtual absl::Status RemoveFolder(const std::string& path) = 0;
  // Makes creations, renames and removals in a folder durable.
  virtual absl::Status SyncFolder(const std::string& path) = 0;
  // Bytes that a new file on the disk of `path` may take.
  virtual absl::StatusOr<int64_t> FreeBytes(const std::string& path) = 0;

  // The machine's files; lives as long as the process.
  static FileSystem* System();
};

}  // namespace cairn

#endif  // CAIRN_BASE_FILE_SYSTEM_H_
