#include "client/cli/state_file.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"

namespace cairn::cli {
namespace {

// With the '/' at its end; empty for the current folder.
std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

StateFile::StateFile(FileSystem* file_system, const std::string& folder)
    : file_system_(file_system),
      folder_(folder),
      temporary_(absl::StrCat(folder_, ".", kCheckpointStateFile, "-",
                              Random::System()->NextUid().ToHex())) {}

absl::StatusOr<std::unique_ptr<StateFile>> StateFile::Prepare(FileSystem* file_system,
                                                              const std::string& prefix) {
  const std::string folder = FolderOf(prefix);
  formats::CheckpointState content;
  content.set_model_checkpoint_path(prefix.substr(folder.size()));
  content.add_all_model_checkpoint_paths(content.model_checkpoint_path());
  return Prepare(file_system, folder, content);
}

absl::StatusOr<std::unique_ptr<StateFile>> StateFile::Prepare(
    FileSystem* file_system, const std::string& folder, const formats::CheckpointState& content) {
  auto state = std::unique_ptr<StateFile>(new StateFile(file_system, folder));
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomWriteFile> file,
                         file_system->CreateForWrite(state->temporary_));
  CAIRN_RETURN_IF_ERROR(file->Write(0, PrintCheckpointState(content)));
  CAIRN_RETURN_IF_ERROR(file->Finish());
  state->is_there_ = true;
  return state;
}

StateFile::~StateFile() {
  if (is_there_) (void)file_system_->Remove(temporary_);
}

absl::Status StateFile::Publish() {
  CAIRN_RETURN_IF_ERROR(
      file_system_->Rename(temporary_, absl::StrCat(folder_, kCheckpointStateFile)));
  is_there_ = false;
  return file_system_->SyncFolder(folder_.empty() ? "." : folder_);
}

}  // namespace cairn::cli
