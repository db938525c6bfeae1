#include "base/atomic_file.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"

namespace cairn {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

AtomicFile::AtomicFile(FileSystem* file_system, const std::string& path, bool replace)
    : file_system_(file_system),
      path_(path),
      folder_(FolderOf(path)),
      temporary_(absl::StrCat(path, ".", Random::System()->NextUid().ToHex(), ".tmp")),
      replace_(replace) {}

AtomicFile::~AtomicFile() {
  file_.reset();
  // What cannot be removed stays as a file that no reader looks for.
  if (is_temporary_) file_system_->Remove(temporary_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(FileSystem* file_system,
                                                               const std::string& path,
                                                               bool replace) {
  auto file = absl::WrapUnique(new AtomicFile(file_system, path, replace));
  CAIRN_RETURN_IF_ERROR(file->CheckFree());
  CAIRN_RETURN_IF_ERROR(file_system->CreateFolders(file->folder_));
  CAIRN_ASSIGN_OR_RETURN(file->file_, file_system->CreateForWrite(file->temporary_));
  return file;
}

absl::Status AtomicFile::Write(int64_t offset, absl::string_view bytes) {
  return file_->Write(offset, bytes);
}

absl::Status AtomicFile::Publish() {
  CAIRN_RETURN_IF_ERROR(file_->Finish());
  file_.reset();
  is_temporary_ = true;
  CAIRN_RETURN_IF_ERROR(CheckFree());
  CAIRN_RETURN_IF_ERROR(file_system_->Rename(temporary_, path_));
  is_temporary_ = false;
  absl::Status synced = file_system_->SyncFolder(folder_);
  // Whether it would survive a crash is not known.
  if (!synced.ok()) file_system_->Remove(path_).IgnoreError();
  return synced;
}

absl::Status AtomicFile::CheckFree() const {
  if (replace_ || !file_system_->Exists(path_)) return absl::OkStatus();
  const std::string path = KeyTextFromBytes(path_);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("cannot write ", path,
                                ": it is there already; choose another path, or force to "
                                "replace it"),
                   {{"path", path}});
}

}  // namespace cairn
