#include "client/cli/attachment_files.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn::cli {
namespace {

absl::Status BadFile(absl::string_view path, absl::string_view found) {
  const std::string text = KeyTextFromBytes(path);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("cannot save ", text, ": ", found), {{"path", text}});
}

class FolderWalk {
 public:
  FolderWalk(FileSystem* file_system, std::string folder,
             absl::FunctionRef<bool(absl::string_view path)> skip)
      : file_system_(file_system), folder_(std::move(folder)), skip_(skip) {}

  absl::Status Run() { return Walk(folder_, "").status(); }

  std::vector<AttachmentFile> TakeFiles() { return std::move(files_); }

 private:
  // How many entries there are in the folder at `path`, which is `below` ("" or with a '/' at the
  // end) in the whole. It ends because links to folders, which alone could lead back, are refused.
  absl::StatusOr<size_t> Walk(const std::string& path, const std::string& below) {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(path));
    for (const std::string& name : names) {
      CAIRN_RETURN_IF_ERROR(AddEntry(absl::StrCat(below, name)));
    }
    return names.size();
  }

  absl::Status AddEntry(const std::string& entry) {
    const std::string path = absl::StrCat(folder_, "/", entry);
    if (file_system_->IsFolder(path)) {
      if (file_system_->IsLink(path)) {
        return BadFile(path, "it is a link to a folder; replace it by the folder it leads to");
      }
      CAIRN_ASSIGN_OR_RETURN(const size_t entries, Walk(path, absl::StrCat(entry, "/")));
      return entries == 0 ? Add(absl::StrCat(entry, "/"), "") : absl::OkStatus();
    }
    if (skip_(entry)) return absl::OkStatus();
    if (!file_system_->Exists(path) && file_system_->IsLink(path)) {
      return BadFile(path, "it is a link that leads nowhere; remove it or bring the file back");
    }
    return Add(entry, path);
  }

  absl::Status Add(const std::string& name, std::string path) {
    std::string text = KeyTextFromBytes(name);
    CAIRN_RETURN_IF_ERROR(ValidateKeyText(text),
                          absl::StrCat("saving ", folder_, ", the file ", text));
    files_.push_back({std::move(text), std::move(path)});
    return absl::OkStatus();
  }

  FileSystem* const file_system_;
  const std::string folder_;
  const absl::FunctionRef<bool(absl::string_view path)> skip_;
  std::vector<AttachmentFile> files_;
};

class FileSource : public SliceSource {
 public:
  FileSource(FileSystem* file_system, std::string path, int64_t size_bytes)
      : file_system_(file_system), path_(std::move(path)), size_bytes_(size_bytes) {}

  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                           file_system_->OpenForRead(path_));
    if (file->size_bytes() != size_bytes_) {
      return BadFile(path_, absl::StrCat("it had ", size_bytes_, " bytes and now has ",
                                         file->size_bytes(), "; save when nobody writes it"));
    }
    return file->Read(offset, out);
  }

 private:
  FileSystem* const file_system_;
  const std::string path_;
  const int64_t size_bytes_;
};

}  // namespace

absl::StatusOr<std::vector<AttachmentFile>> AttachmentsInFolder(
    FileSystem* file_system, const std::string& folder,
    absl::FunctionRef<bool(absl::string_view path)> skip) {
  FolderWalk walk(file_system, folder, skip);
  CAIRN_RETURN_IF_ERROR(walk.Run());
  return walk.TakeFiles();
}

SourceWithAttachments::SourceWithAttachments(SourceIdentity identity,
                                             std::unique_ptr<CheckpointSource> tensors)
    : CheckpointSource(std::move(identity)), tensors_(std::move(tensors)) {
  if (tensors_ != nullptr) slices_.assign(tensors_->slices().begin(), tensors_->slices().end());
}

absl::StatusOr<std::unique_ptr<CheckpointSource>> SourceWithAttachments::Make(
    FileSystem* file_system, SourceIdentity identity, std::unique_ptr<CheckpointSource> tensors,
    const std::vector<AttachmentFile>& files) {
  auto source = std::unique_ptr<SourceWithAttachments>(
      new SourceWithAttachments(std::move(identity), std::move(tensors)));
  for (const AttachmentFile& file : files) {
    CAIRN_RETURN_IF_ERROR(source->AddFile(file_system, file));
  }
  return source;
}

absl::Status SourceWithAttachments::AddFile(FileSystem* file_system, const AttachmentFile& file) {
  slices_.push_back(Attachment(file.name, ""));
  if (file.path.empty()) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> opened,
                         file_system->OpenForRead(file.path));
  slices_.back().bytes_count = opened->size_bytes();
  slices_.back().source =
      sources_
          .emplace_back(std::make_unique<FileSource>(file_system, file.path, opened->size_bytes()))
          .get();
  return absl::OkStatus();
}

}  // namespace cairn::cli
