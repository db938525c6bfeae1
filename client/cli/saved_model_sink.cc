#include "client/cli/saved_model_sink.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "client/cli/attachment_list.h"
#include "client/cli/saved_model_layout.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

// Beside the final folder, since only a rename within a folder is atomic.
std::string TemporaryPath(const std::string& folder) {
  return absl::StrCat(folder, ".", Random::System()->NextUid().ToHex(), ".tmp");
}

std::string FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::Status CannotReplace(const std::string& folder, absl::string_view why) {
  const std::string text = KeyTextFromBytes(folder);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("cannot write the SavedModel: ", text, " ", why), {{"path", text}});
}

absl::StatusOr<std::string> FolderFromArgument(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const absl::string_view name = absl::string_view(folder).substr(folder.rfind('/') + 1);
  if (!name.empty() && name != "." && name != "..") return folder;
  return UsageError(absl::StrCat("--output \"", folder,
                                 "\" names no folder that can be made; give a path such as "
                                 "out/model"));
}

}  // namespace

absl::Status CheckIsSavedModel(absl::Span<const v1::Tensor> attachments) {
  for (const v1::Tensor& attachment : attachments) {
    if (IsSavedModelGraph(attachment.key())) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "this checkpoint is no SavedModel: of its ", attachments.size(),
      " attachments none is called saved_model.pb or saved_model.pbtxt; restore it without "
      "--saved-model"));
}

SavedModelSink::SavedModelSink(FileSystem* file_system, const std::string& folder,
                               const Options& options)
    : file_system_(file_system),
      folder_(folder),
      temporary_(TemporaryPath(folder)),
      options_(options),
      attachments_(file_system) {}

SavedModelSink::~SavedModelSink() {
  variables_.reset();
  if (is_temporary_) file_system_->RemoveFolder(temporary_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<SavedModelSink>> SavedModelSink::Create(
    FileSystem* file_system, const std::string& folder, absl::Span<const v1::Tensor> attachments,
    BundlePlan variables, const Options& options) {
  CAIRN_ASSIGN_OR_RETURN(const std::string target, FolderFromArgument(folder));
  CAIRN_RETURN_IF_ERROR(CheckIsSavedModel(attachments));
  auto sink = absl::WrapUnique(new SavedModelSink(file_system, target, options));
  CAIRN_RETURN_IF_ERROR(sink->CheckReplaceable());
  CAIRN_RETURN_IF_ERROR(sink->PlanAttachments(attachments));
  CAIRN_RETURN_IF_ERROR(sink->MakeFolders());
  if (variables.tensors.empty()) return sink;
  BundleSink::Options bundle = options.variables;
  bundle.write_state = false;
  CAIRN_ASSIGN_OR_RETURN(
      sink->variables_,
      BundleSink::Create(file_system, absl::StrCat(sink->temporary_, "/", kVariablesPrefix),
                         std::move(variables), bundle));
  const RestoreTotals totals = sink->variables_->totals();
  sink->totals_.tensors += totals.tensors;
  sink->totals_.bytes += totals.bytes;
  sink->folders_.insert(FolderOf(kVariablesPrefix));
  return sink;
}

absl::Status SavedModelSink::CheckReplaceable() const {
  if (!file_system_->Exists(folder_)) return absl::OkStatus();
  if (!file_system_->IsFolder(folder_)) return CannotReplace(folder_, "is no folder");
  if (!options_.force) {
    const std::string text = KeyTextFromBytes(folder_);
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
                     absl::StrCat("cannot write the SavedModel: ", text,
                                  " is there already; choose another path"),
                     {{"path", text}});
  }
  if (IsSavedModelFolder(file_system_, folder_)) return absl::OkStatus();
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(folder_));
  if (names.empty()) return absl::OkStatus();
  return CannotReplace(
      folder_,
      "holds something else than a SavedModel, which even --force does not remove; "
      "choose another path");
}

absl::Status SavedModelSink::PlanAttachments(absl::Span<const v1::Tensor> attachments) {
  std::vector<std::string> names;
  names.reserve(attachments.size());
  for (const v1::Tensor& attachment : attachments) names.push_back(attachment.key());
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> paths, SavedModelPaths(names));
  folders_.insert("");
  for (size_t i = 0; i < paths.size(); ++i) {
    const int64_t bytes = attachments[i].logical_bytes();
    std::string folder = FolderOf(paths[i]);
    if (absl::EndsWith(paths[i], "/")) {
      if (bytes > 0) {
        return InvalidField("attachment",
                            absl::StrCat("\"", names[i], "\" is named as a folder and has ", bytes,
                                         " bytes; print it with `cairn cat`"));
      }
    } else {
      attachments_.Add(names[i], absl::StrCat(temporary_, "/", paths[i]), bytes);
    }
    for (; folder != "."; folder = FolderOf(folder)) folders_.insert(folder);
    totals_.bytes += bytes;
  }
  totals_.attachments = static_cast<int64_t>(paths.size());
  return absl::OkStatus();
}

absl::Status SavedModelSink::MakeFolders() {
  CAIRN_RETURN_IF_ERROR(file_system_->CreateFolders(temporary_));
  is_temporary_ = true;
  for (const std::string& folder : folders_) {
    CAIRN_RETURN_IF_ERROR(file_system_->CreateFolders(absl::StrCat(temporary_, "/", folder)));
  }
  return absl::OkStatus();
}

std::vector<v1::Selector> SavedModelSink::selectors() const {
  v1::Selector tensors;
  tensors.set_key_prefix("");
  return {tensors, EveryAttachment()};
}

absl::Status SavedModelSink::Begin(const v1::OpenRestoreResponse& restore) {
  return variables_ == nullptr ? absl::OkStatus() : variables_->Begin(restore);
}

absl::Status SavedModelSink::Write(const ArrivedPart& part) {
  if (part.part.kind() == v1::TENSOR_KIND_ATTACHMENT) {
    if (absl::EndsWith(part.part.key(), "/")) return absl::OkStatus();  // a folder, made already
    return attachments_.Write(part);
  }
  if (variables_ != nullptr) return variables_->Write(part);
  return absl::InternalError("the server sent a tensor of a checkpoint that has none");
}

absl::Status SavedModelSink::Finish() {
  if (variables_ != nullptr) CAIRN_RETURN_IF_ERROR(variables_->Finish());
  CAIRN_RETURN_IF_ERROR(attachments_.Finish());
  for (const std::string& folder : folders_) {
    CAIRN_RETURN_IF_ERROR(file_system_->SyncFolder(absl::StrCat(temporary_, "/", folder)));
  }
  return Publish();
}

absl::Status SavedModelSink::Publish() {
  CAIRN_RETURN_IF_ERROR(CheckReplaceable());
  std::string retired;
  if (file_system_->Exists(folder_)) {
    retired = TemporaryPath(folder_);
    CAIRN_RETURN_IF_ERROR(file_system_->Rename(folder_, retired));
  }
  absl::Status published = file_system_->Rename(temporary_, folder_);
  if (published.ok()) {
    is_temporary_ = false;
    published = file_system_->SyncFolder(FolderOf(folder_));
    if (!published.ok()) file_system_->RemoveFolder(folder_).IgnoreError();
  }
  if (retired.empty()) return published;
  if (published.ok()) {
    return WithContext(file_system_->RemoveFolder(retired),
                       "the new SavedModel is in its place, removing the one before it");
  }
  if (file_system_->Rename(retired, folder_).ok()) return published;
  return WithContext(published, absl::StrCat("the SavedModel that was there is now at ",
                                             KeyTextFromBytes(retired)));
}

}  // namespace cairn::cli
