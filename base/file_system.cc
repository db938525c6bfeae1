#include "base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn {
namespace {

// What one errno means to callers.
struct Meaning {
  absl::StatusCode code;
  ErrorReason reason;
  absl::string_view advice;
};

Meaning MeaningOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {absl::StatusCode::kNotFound, ErrorReason::ERROR_REASON_BAD_FILE, "check the path"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {absl::StatusCode::kPermissionDenied, ErrorReason::ERROR_REASON_BAD_FILE,
              "check its owner and permissions"};
    case EEXIST:
      return {absl::StatusCode::kAlreadyExists, ErrorReason::ERROR_REASON_BAD_FILE,
              "choose another path or remove it first"};
    case ENOSPC:
    case EDQUOT:
      return {absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_STORAGE_FULL,
              "free space on its disk"};
    default:
      return {absl::StatusCode::kUnavailable, ErrorReason::ERROR_REASON_BAD_FILE,
              "check the path and its disk"};
  }
}

absl::Status FileError(absl::string_view attempt, const std::string& path, absl::string_view found,
                       const Meaning& meaning) {
  // Paths are any bytes, errors are UTF-8.
  const std::string text = KeyTextFromBytes(path);
  return MakeError(meaning.reason, meaning.code,
                   absl::StrCat("cannot ", attempt, " ", text, ": ", found, "; ", meaning.advice),
                   {{"path", text}});
}

// Of a failed system call. `attempt` is the verb: "open".
absl::Status ErrnoError(absl::string_view attempt, const std::string& path, int error) {
  return FileError(attempt, path, std::generic_category().message(error), MeaningOf(error));
}

// The result of `call`, tried again while signals interrupt it.
template <typename Call>
auto Uninterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (is_open()) close(fd_);
  }
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // 0 or -1 with errno. Closed in either case: Linux frees the descriptor even when it reports an
  // error.
  int Close() { return close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> Open(absl::string_view attempt, const std::string& path, int flags) {
  constexpr mode_t kMode = 0666;  // less the umask
  Descriptor file(Uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, kMode); }));
  if (!file.is_open()) return ErrnoError(attempt, path, errno);
  return file;
}

class PosixReadFile : public RandomReadFile {
 public:
  PosixReadFile(std::string path, Descriptor file, int64_t size_bytes)
      : path_(std::move(path)), file_(std::move(file)), size_bytes_(size_bytes) {}

  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    if (offset < 0 || offset > size_bytes_) return EndsBefore(offset, out.size());
    while (!out.empty()) {
      const ssize_t count =
          Uninterrupted([&] { return pread(file_.get(), out.data(), out.size(), offset); });
      if (count < 0) {
        Meaning meaning = MeaningOf(errno);
        meaning.code = absl::StatusCode::kDataLoss;
        return FileError("read", path_, std::generic_category().message(errno), meaning);
      }
      if (count == 0) return EndsBefore(offset, out.size());
      offset += count;
      out.remove_prefix(count);
    }
    return absl::OkStatus();
  }

  int64_t size_bytes() const override { return size_bytes_; }

 private:
  absl::Status EndsBefore(int64_t offset, size_t count) const {
    return FileError("read", path_,
                     absl::StrCat("it ends before byte ", offset, " + ", count, ", having had ",
                                  size_bytes_, " bytes when it was opened"),
                     {absl::StatusCode::kOutOfRange, ErrorReason::ERROR_REASON_BAD_FILE,
                      "it may be cut off; compare it with its original"});
  }

  const std::string path_;
  const Descriptor file_;
  const int64_t size_bytes_;
};

class PosixWriteFile : public RandomWriteFile {
 public:
  PosixWriteFile(std::string path, Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  ~PosixWriteFile() override {
    if (!finished_) unlink(path_.c_str());
  }

  absl::Status Write(int64_t offset, absl::string_view bytes) override {
    CAIRN_CHECK(offset >= 0 && file_.is_open());
    while (!bytes.empty()) {
      const ssize_t count =
          Uninterrupted([&] { return pwrite(file_.get(), bytes.data(), bytes.size(), offset); });
      if (count < 0) return ErrnoError("write", path_, errno);
      offset += count;
      bytes.remove_prefix(count);
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    CAIRN_CHECK(file_.is_open());
    // A sync is never tried twice: after a failure the kernel may drop the pages and report
    // success.
    if (fdatasync(file_.get()) != 0) return ErrnoError("sync", path_, errno);
    if (file_.Close() != 0) return ErrnoError("close", path_, errno);
    finished_ = true;
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  Descriptor file_;
  bool finished_ = false;
};

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<RandomReadFile>> OpenForRead(const std::string& path) override {
    // Not to wait for the other end of a pipe, which is refused below.
    CAIRN_ASSIGN_OR_RETURN(Descriptor file, Open("open", path, O_RDONLY | O_NONBLOCK));
    struct stat info;
    if (fstat(file.get(), &info) != 0) return ErrnoError("open", path, errno);
    if (!S_ISREG(info.st_mode)) {
      return FileError("open", path, "it is a folder or a device", MeaningOf(EINVAL));
    }
    return std::make_unique<PosixReadFile>(path, std::move(file), info.st_size);
  }

  absl::StatusOr<std::unique_ptr<RandomWriteFile>> CreateForWrite(
      const std::string& path) override {
    CAIRN_ASSIGN_OR_RETURN(Descriptor file, Open("create", path, O_WRONLY | O_CREAT | O_EXCL));
    return std::make_unique<PosixWriteFile>(path, std::move(file));
  }

  absl::StatusOr<std::unique_ptr<RandomWriteFile>> ReopenForWrite(
      const std::string& path) override {
    CAIRN_ASSIGN_OR_RETURN(Descriptor file, Open("open", path, O_WRONLY | O_NONBLOCK));
    return std::make_unique<PosixWriteFile>(path, std::move(file));
  }

  absl::StatusOr<std::string> ReadWhole(const std::string& path, int64_t max_bytes) override {
    CAIRN_CHECK(max_bytes >= 0);
    CAIRN_ASSIGN_OR_RETURN(Descriptor file, Open("open", path, O_RDONLY));
    // Read until it ends, whatever size it claims: pipes and /proc claim none.
    constexpr int64_t kStepBytes = 64 << 10;
    std::string content;
    while (true) {
      const size_t before = content.size();
      const int64_t room = max_bytes - static_cast<int64_t>(before);
      content.resize(before + std::min(room, kStepBytes - 1) + 1);
      const ssize_t count = Uninterrupted(
          [&] { return read(file.get(), &content[before], content.size() - before); });
      if (count < 0) return ErrnoError("read", path, errno);
      content.resize(before + count);
      if (count == 0) return content;
      if (count > room) return TooLarge(path, max_bytes);
    }
  }

  bool Exists(const std::string& path) override {
    struct stat info;
    return stat(path.c_str(), &info) == 0;
  }

  bool IsFolder(const std::string& path) override {
    struct stat info;
    return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  bool IsLink(const std::string& path) override {
    struct stat info;
    return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  }

  absl::StatusOr<absl::Time> ModifiedTime(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return ErrnoError("look at", path, errno);
    return absl::TimeFromTimespec(info.st_mtim);
  }

  absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(path, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) return ErrnoError("list", path, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status CreateFolders(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return ErrnoError("create the folder", path, error.value());
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) {
      return ErrnoError(absl::StrCat("rename to ", KeyTextFromBytes(to), " the file"), from, errno);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return ErrnoError("remove", path, errno);
    return absl::OkStatus();
  }

  absl::Status RemoveFolder(const std::string& path) override {
    std::error_code error;
    if (std::filesystem::remove_all(path, error) == 0 && !error) {
      return ErrnoError("remove the folder", path, ENOENT);
    }
    if (error) return ErrnoError("remove the folder", path, error.value());
    return absl::OkStatus();
  }

  absl::Status SyncFolder(const std::string& path) override {
    CAIRN_ASSIGN_OR_RETURN(Descriptor folder, Open("sync", path, O_RDONLY | O_DIRECTORY));
    if (fsync(folder.get()) != 0) return ErrnoError("sync", path, errno);
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> FreeBytes(const std::string& path) override {
    struct statvfs info;
    if (Uninterrupted([&] { return statvfs(path.c_str(), &info); }) != 0) {
      return ErrnoError("ask for the free space at", path, errno);
    }
    return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
  }

 private:
  static absl::Status TooLarge(const std::string& path, int64_t max_bytes) {
    return FileError("read", path, absl::StrCat("it has more than ", max_bytes, " bytes"),
                     {absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_BAD_FILE,
                      "check that it is the right file"});
  }
};

}  // namespace

FileSystem* FileSystem::System() {
  static PosixFileSystem* const file_system = new PosixFileSystem;
  return file_system;
}

}  // namespace cairn
