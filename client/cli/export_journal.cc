#include "client/cli/export_journal.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/checkpoint_folder.h"

namespace cairn::cli {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{64} << 20;
constexpr char kTitle[] = "cairn export of directory ";

}  // namespace

ExportJournal::ExportJournal(FileSystem* file_system, const std::string& folder,
                             const std::string& directory_uid)
    : file_system_(file_system),
      folder_(folder),
      path_(absl::StrCat(folder, kExportJournalFile)),
      directory_uid_(directory_uid) {}

std::string ExportJournal::IndexPath(const std::string& name) const {
  return absl::StrCat(folder_, name, ".index");
}

bool ExportJournal::IsThere() const { return file_system_->Exists(path_); }

absl::Status ExportJournal::Read() {
  CAIRN_ASSIGN_OR_RETURN(const std::string text, file_system_->ReadWhole(path_, kMaxFileBytes));
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.empty() || lines[0] != absl::StrCat(kTitle, directory_uid_)) {
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("cannot go on with the export that ", KeyTextFromBytes(path_),
                                  " tells of: it is of another directory; choose another folder"),
                     {{"path", KeyTextFromBytes(path_)}});
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(lines[i], absl::MaxSplits('\t', 1));
    const absl::StatusOr<std::string> name = BytesFromKeyText(parts.second);
    // A line that means nothing is a checkpoint that is written once more.
    if (name.ok() && !name->empty()) whole_[*name] = std::string(parts.first);
  }
  return absl::OkStatus();
}

absl::Status ExportJournal::Begin() {
  whole_.clear();
  return Write();
}

bool ExportJournal::IsWhole(absl::string_view uid, const std::string& name) const {
  const auto it = whole_.find(name);
  if (it == whole_.end()) return false;
  const absl::StatusOr<std::string> mark = ContentMark(file_system_, {IndexPath(name)});
  return mark.ok() && it->second == absl::StrCat(uid, " ", *mark);
}

absl::Status ExportJournal::Add(absl::string_view uid, const std::string& name) {
  CAIRN_ASSIGN_OR_RETURN(const std::string mark, ContentMark(file_system_, {IndexPath(name)}));
  whole_[name] = absl::StrCat(uid, " ", mark);
  return Write();
}

absl::Status ExportJournal::Write() const {
  std::string text = absl::StrCat(kTitle, directory_uid_, "\n");
  for (const auto& [name, what] : whole_) {
    absl::StrAppend(&text, what, "\t", KeyTextFromBytes(name), "\n");
  }
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file,
                         AtomicFile::Create(file_system_, path_, /*replace=*/true));
  CAIRN_RETURN_IF_ERROR(file->Write(0, text));
  return file->Publish();
}

absl::Status ExportJournal::Remove() {
  CAIRN_RETURN_IF_ERROR(file_system_->Remove(path_));
  return file_system_->SyncFolder(folder_);
}

}  // namespace cairn::cli
