#include "formats/tensor_bundle/memory_file_system.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {
namespace {

class ReadFile : public RandomReadFile {
 public:
  // Reads what the file holds at that moment, as an operating system does.
  explicit ReadFile(const std::string* content) : content_(content), size_(content->size()) {}

  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    if (offset < 0 || offset + out.size() > content_->size()) {
      return absl::OutOfRangeError("the file ends before");
    }
    std::copy_n(content_->begin() + offset, out.size(), out.begin());
    return absl::OkStatus();
  }
  int64_t size_bytes() const override { return size_; }

 private:
  const std::string* const content_;
  const int64_t size_;
};

class WriteFile : public RandomWriteFile {
 public:
  WriteFile(MemoryFileSystem* files, std::string path) : files_(files), path_(std::move(path)) {}
  ~WriteFile() override {
    if (!finished_) files_->files.erase(path_);
  }

  absl::Status Write(int64_t offset, absl::string_view bytes) override {
    absl::Status changed = files_->Change();
    if (!changed.ok()) return changed;
    std::string& content = files_->files[path_];
    content.resize(std::max(content.size(), offset + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), content.begin() + offset);
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    absl::Status changed = files_->Change();
    finished_ = changed.ok();
    return changed;
  }

 private:
  MemoryFileSystem* const files_;
  const std::string path_;
  bool finished_ = false;
};

// "runs/" for "runs" and "runs/", "" for ".".
std::string FolderPrefix(const std::string& path) {
  if (path == ".") return "";
  return absl::EndsWith(path, "/") ? path : path + "/";
}

absl::Status NoFile(const std::string& path) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kNotFound,
                   absl::StrCat("no file ", path));
}

}  // namespace

absl::Status MemoryFileSystem::Change() {
  const int change = changes++;
  if (fail_from_change < 0 || change < fail_from_change) return absl::OkStatus();
  return absl::UnavailableError("the test wants this change to fail");
}

absl::StatusOr<std::unique_ptr<RandomReadFile>> MemoryFileSystem::OpenForRead(
    const std::string& path) {
  const auto found = files.find(path);
  if (found == files.end()) return NoFile(path);
  return std::make_unique<ReadFile>(&found->second);
}

absl::StatusOr<std::unique_ptr<RandomWriteFile>> MemoryFileSystem::CreateForWrite(
    const std::string& path) {
  absl::Status changed = Change();
  if (!changed.ok()) return changed;
  if (!files.emplace(path, "").second) return absl::AlreadyExistsError(path);
  return std::make_unique<WriteFile>(this, path);
}

absl::StatusOr<std::unique_ptr<RandomWriteFile>> MemoryFileSystem::ReopenForWrite(
    const std::string& path) {
  absl::Status changed = Change();
  if (!changed.ok()) return changed;
  if (!files.contains(path)) return NoFile(path);
  return std::make_unique<WriteFile>(this, path);
}

absl::StatusOr<std::string> MemoryFileSystem::ReadWhole(const std::string& path,
                                                        int64_t max_bytes) {
  const auto found = files.find(path);
  if (found == files.end()) return NoFile(path);
  if (found->second.size() > static_cast<uint64_t>(max_bytes)) {
    return absl::ResourceExhaustedError(path);
  }
  return found->second;
}

bool MemoryFileSystem::Exists(const std::string& path) {
  return files.contains(path) || IsFolder(path);
}

bool MemoryFileSystem::IsFolder(const std::string& path) {
  if (folders_.contains(path)) return true;
  const auto first = files.lower_bound(FolderPrefix(path));
  return first != files.end() && absl::StartsWith(first->first, FolderPrefix(path));
}

bool MemoryFileSystem::IsLink(const std::string&) { return false; }

absl::StatusOr<absl::Time> MemoryFileSystem::ModifiedTime(const std::string& path) {
  if (!Exists(path)) return NoFile(path);
  const auto found = times.find(path);
  return found == times.end() ? absl::UnixEpoch() : found->second;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::ListFolder(const std::string& path) {
  if (!IsFolder(path) && path != ".") return NoFile(path);
  const std::string prefix = FolderPrefix(path);
  std::set<std::string> names;
  const auto add = [&](const std::string& below) {
    if (!absl::StartsWith(below, prefix)) return;
    const std::string rest = below.substr(prefix.size());
    names.insert(rest.substr(0, rest.find('/')));
  };
  for (const auto& [file, content] : files) add(file);
  for (const std::string& folder : folders_) add(folder);
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status MemoryFileSystem::CreateFolders(const std::string& path) {
  absl::Status changed = Change();
  if (!changed.ok()) return changed;
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    folders_.insert(path.substr(0, end));
  }
  folders_.insert(path);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  absl::Status changed = Change();
  if (!changed.ok()) return changed;
  if (IsFolder(from)) return RenameFolder(from, to);
  if (!files.contains(from)) return NoFile(from);
  files[to] = std::move(files[from]);
  files.erase(from);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RenameFolder(const std::string& from, const std::string& to) {
  if (IsFolder(to)) {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(to));
    if (!names.empty()) return absl::AlreadyExistsError(to);
  }
  std::map<std::string, std::string> moved_files;
  for (auto& [file, content] : files) {
    const bool moves = absl::StartsWith(file, FolderPrefix(from));
    moved_files.emplace(moves ? to + file.substr(from.size()) : file, std::move(content));
  }
  files = std::move(moved_files);
  std::set<std::string> moved_folders;
  for (const std::string& folder : folders_) {
    const bool moves = folder == from || absl::StartsWith(folder, FolderPrefix(from));
    moved_folders.insert(moves ? to + folder.substr(from.size()) : folder);
  }
  folders_ = std::move(moved_folders);
  return absl::OkStatus();
}

// Never made to fail, nor is RemoveFolder: they are how failures are cleaned up.
absl::Status MemoryFileSystem::Remove(const std::string& path) {
  return files.erase(path) > 0 ? absl::OkStatus() : NoFile(path);
}

absl::Status MemoryFileSystem::RemoveFolder(const std::string& path) {
  if (!IsFolder(path)) return NoFile(path);
  const auto is_in_it = [prefix = FolderPrefix(path)](const std::string& below) {
    return absl::StartsWith(below, prefix);
  };
  std::erase_if(files, [&](const auto& file) { return is_in_it(file.first); });
  std::erase_if(folders_, [&](const auto& folder) { return folder == path || is_in_it(folder); });
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncFolder(const std::string&) { return Change(); }

absl::StatusOr<int64_t> MemoryFileSystem::FreeBytes(const std::string&) { return int64_t{1} << 40; }

}  // namespace cairn
