#include "storage/engine/rocksdb/data_folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/file_system.h"

namespace cairn::storage {
namespace {

absl::Status CheckWritable(const std::string& folder) {
  if (access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kPermissionDenied,
      absl::StrCat("cannot use the data folder ", folder, ": ",
                   std::generic_category().message(errno),
                   "; give it to the user who runs the server (chown) or choose another"),
      {{"path", folder}});
}

}  // namespace

absl::Status PrepareDataFolder(const std::string& folder) {
  FileSystem* const files = FileSystem::System();
  for (const std::string& path : {folder, DatabaseFolder(folder), IngestFolder(folder)}) {
    CAIRN_RETURN_IF_ERROR(files->CreateFolders(path), "making the data folder");
    CAIRN_RETURN_IF_ERROR(CheckWritable(path));
  }
  return files->SyncFolder(folder);
}

absl::Status RemoveUnfinishedSegments(const std::string& ingest_folder) {
  FileSystem* const files = FileSystem::System();
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->ListFolder(ingest_folder));
  for (const std::string& name : names) {
    CAIRN_RETURN_IF_ERROR(files->Remove(absl::StrCat(ingest_folder, "/", name)),
                          "removing an unfinished segment");
  }
  return absl::OkStatus();
}

bool TakesDirectWrites(const std::string& folder) {
  // Some file systems take the flag and refuse the write.
  constexpr size_t kBlockBytes = 4096;
  const std::string path = absl::StrCat(folder, "/direct.probe");
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
  if (file < 0) {
    unlink(path.c_str());
    return false;
  }
  const std::unique_ptr<void, decltype(&std::free)> block(
      std::aligned_alloc(kBlockBytes, kBlockBytes), &std::free);
  CAIRN_CHECK(block != nullptr);
  std::fill_n(static_cast<char*>(block.get()), kBlockBytes, '\0');
  const bool written = write(file, block.get(), kBlockBytes) == static_cast<ssize_t>(kBlockBytes);
  close(file);
  unlink(path.c_str());
  return written;
}

absl::Status EnsureDescriptors(int needed) {
  rlimit limit;
  CAIRN_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  // Where even the hard limit may not be reached, the old soft one is what counts.
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) CAIRN_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur >= static_cast<rlim_t>(needed)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("cannot open the store: this process may open ", limit.rlim_cur,
                   " files and the store needs ", needed,
                   "; raise the limit (ulimit -n, LimitNOFILE= under systemd)"));
}

}  // namespace cairn::storage
