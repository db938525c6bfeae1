// A new file that stands under its name whole and durable, or not at all.
#ifndef CAIRN_BASE_ATOMIC_FILE_H_
#define CAIRN_BASE_ATOMIC_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn {

// Written under a temporary name beside the final one, since only a rename within a folder is
// atomic. Without Publish() nothing stays. Write is thread-safe; Publish is called alone.
class AtomicFile {
 public:
  // Makes the folder of `path` too. `replace`: takes the place of a file that is there.
  // `file_system` must outlive this. Errors: kAlreadyExists with ERROR_REASON_BAD_FILE (`path` is
  // there), those of FileSystem.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(FileSystem* file_system,
                                                            const std::string& path, bool replace);
  ~AtomicFile();

  // Errors: those of RandomWriteFile.
  absl::Status Write(int64_t offset, absl::string_view bytes);

  // Gives it its name. Call once. Errors: as Create; the file may have come meanwhile.
  absl::Status Publish();

 private:
  AtomicFile(FileSystem* file_system, const std::string& path, bool replace);
  absl::Status CheckFree() const;

  FileSystem* const file_system_;
  const std::string path_;
  const std::string folder_;
  const std::string temporary_;  // path
  const bool replace_;
  std::unique_ptr<RandomWriteFile> file_;
  bool is_temporary_ = false;  // finished, but not renamed
};

}  // namespace cairn

#endif  // CAIRN_BASE_ATOMIC_FILE_H_
