// Files on disk as attachments to save.
#ifndef CAIRN_CLIENT_CLI_ATTACHMENT_FILES_H_
#define CAIRN_CLIENT_CLI_ATTACHMENT_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"

namespace cairn::cli {

// A file under the name that it has as an attachment.
struct AttachmentFile {
  std::string name;  // text form
  std::string path;  // empty: an attachment without bytes
};

// Every file below `folder`, named by its path in it; a folder in which nothing is, by its path
// and a '/'. A link to a file is what it leads to. `skip` is asked for each path in the folder.
// Errors: kFailedPrecondition with ERROR_REASON_BAD_FILE (a link to a folder or to nothing),
// kInvalidArgument (a name that no attachment can have), those of FileSystem.
absl::StatusOr<std::vector<AttachmentFile>> AttachmentsInFolder(
    FileSystem* file_system, const std::string& folder,
    absl::FunctionRef<bool(absl::string_view path)> skip);

// The tensors of another source, if there is one, and files. These are opened whenever bytes of
// them are read, so that there may be any number; one that changes its size meanwhile ends the
// save.
class SourceWithAttachments : public CheckpointSource {
 public:
  // `file_system` is not owned and outlives this. Errors: those of FileSystem::OpenForRead (each
  // file must be one that can be read).
  static absl::StatusOr<std::unique_ptr<CheckpointSource>> Make(
      FileSystem* file_system, SourceIdentity identity, std::unique_ptr<CheckpointSource> tensors,
      const std::vector<AttachmentFile>& files);

  absl::Span<const SliceToSave> slices() const override { return slices_; }

 private:
  SourceWithAttachments(SourceIdentity identity, std::unique_ptr<CheckpointSource> tensors);
  absl::Status AddFile(FileSystem* file_system, const AttachmentFile& file);

  const std::unique_ptr<CheckpointSource> tensors_;
  std::vector<std::unique_ptr<SliceSource>> sources_;
  std::vector<SliceToSave> slices_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_ATTACHMENT_FILES_H_
