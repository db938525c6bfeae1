// Attachments into files, as their bytes arrive.
#ifndef CAIRN_CLIENT_CLI_ATTACHMENT_WRITER_H_
#define CAIRN_CLIENT_CLI_ATTACHMENT_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "client/restore.h"

namespace cairn::cli {

// Each file is made with its first byte and durable with its last, so that few are open at a time.
// Files are not removed. Add everything first; Write is thread-safe, Finish is called alone.
class AttachmentWriter {
 public:
  // `file_system` is not owned.
  explicit AttachmentWriter(FileSystem* file_system) : file_system_(file_system) {}

  // `name`: text form. The file must not be there, its folder must.
  void Add(const std::string& name, const std::string& path, int64_t bytes);

  // Errors: kInternal (not one that was added), kDataLoss (bytes beyond its end, or that came
  // before), those of FileSystem.
  absl::Status Write(const ArrivedPart& part);

  // Errors: kDataLoss (an attachment lacks bytes), those of FileSystem.
  absl::Status Finish();

 private:
  struct File {
    std::string path;
    int64_t bytes = 0;
    std::shared_ptr<RandomWriteFile> open;  // unset before the first byte and after the last
    int64_t arrived = 0;
    std::vector<std::pair<int64_t, int64_t>> pieces;  // offset, length
  };

  absl::StatusOr<std::shared_ptr<RandomWriteFile>> Open(const ArrivedPart& part);
  // The file, when `part` was the last of it.
  absl::StatusOr<std::shared_ptr<RandomWriteFile>> Count(const ArrivedPart& part);

  FileSystem* const file_system_;
  Mutex mutex_;
  std::map<std::string, File, std::less<>> files_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_ATTACHMENT_WRITER_H_
