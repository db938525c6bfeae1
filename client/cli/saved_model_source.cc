#include "client/cli/saved_model_source.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/attachment_files.h"
#include "client/cli/bundle_source.h"
#include "client/cli/saved_model_layout.h"

namespace cairn::cli {
namespace {

// "model" for "model/", "/" for "/".
std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

absl::string_view LastPart(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

absl::Status WithoutIndex(const std::string& folder) {
  const std::string text = KeyTextFromBytes(folder);
  return MakeError(
      ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kDataLoss,
      absl::StrCat("cannot save ", text, ": there are data files of its variables, but ",
                   kVariablesPrefix, ".index is missing; take another copy"),
      {{"path", text}});
}

}  // namespace

std::string SavedModelFolderAt(FileSystem* file_system, const std::string& path) {
  if (path.empty() || file_system->Exists(absl::StrCat(path, ".index"))) return "";
  std::string folder = WithoutSlashes(path);
  if (IsSavedModelGraph(LastPart(path)) && !file_system->IsFolder(path)) {
    const size_t slash = path.rfind('/');
    folder = slash == std::string::npos ? "." : WithoutSlashes(path.substr(0, slash + 1));
  }
  return IsSavedModelFolder(file_system, folder) ? folder : "";
}

absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenSavedModel(FileSystem* file_system,
                                                                 const std::string& folder) {
  const std::string prefix = absl::StrCat(folder, "/", kVariablesPrefix);
  std::unique_ptr<CheckpointSource> variables;
  if (file_system->Exists(absl::StrCat(prefix, ".index"))) {
    CAIRN_ASSIGN_OR_RETURN(variables, BundleSource::Open(file_system, prefix));
  }
  bool has_data = false;
  CAIRN_ASSIGN_OR_RETURN(const std::vector<AttachmentFile> files,
                         AttachmentsInFolder(file_system, folder, [&](absl::string_view path) {
                           const bool is_data = IsVariablesFile(path);
                           has_data = has_data || is_data;
                           return is_data;
                         }));
  if (has_data && variables == nullptr) return WithoutIndex(folder);
  SourceIdentity identity;
  identity.path = folder;
  identity.annotations["tensorflow.saved_model"] = KeyTextFromBytes(LastPart(folder));
  return SourceWithAttachments::Make(file_system, std::move(identity), std::move(variables), files);
}

}  // namespace cairn::cli
