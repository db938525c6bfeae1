#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/command.h"
#include "client/cli/export_journal.h"
#include "client/cli/export_plan.h"
#include "client/cli/reference_argument.h"
#include "client/cli/restore_files.h"
#include "client/cli/results.h"
#include "client/cli/state_file.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

constexpr size_t kNamedFiles = 8;  // in a message
constexpr int64_t kMaxStateBytes = int64_t{64} << 20;

// One export into one folder.
class Exporter {
 public:
  // `folder` ends with "/".
  Exporter(std::string folder, const v1::Directory& directory, ExportPlan plan,
           CommandContext& context)
      : folder_(std::move(folder)),
        state_path_(absl::StrCat(folder_, kCheckpointStateFile)),
        directory_(directory),
        plan_(std::move(plan)),
        context_(context),
        files_(context.file_system),
        journal_(context.file_system, folder_, directory.uid()) {}

  absl::Status Run(bool force) {
    CAIRN_RETURN_IF_ERROR(files_->CreateFolders(folder_));
    CAIRN_RETURN_IF_ERROR(Begin(force));
    for (size_t i = 0; i < plan_.steps.size(); ++i) CAIRN_RETURN_IF_ERROR(Write(i));
    // Last, so that it never names what is not there.
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<StateFile> state,
                           StateFile::Prepare(files_, folder_, plan_.state));
    CAIRN_RETURN_IF_ERROR(state->Publish());
    CAIRN_RETURN_IF_ERROR(journal_.Remove());
    if (context_.output.json()) {
      context_.output.PrintJson(
          {{"directory", directory_.directory()},
           {"folder", KeyTextFromBytes(folder_.substr(0, folder_.size() - 1))},
           {"exported", std::move(exported_)},
           {"skipped", std::move(skipped_)}});
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Begin(bool force) {
    if (force) {
      // Until the new one is there, nothing says that the folder is whole.
      if (files_->Exists(state_path_)) CAIRN_RETURN_IF_ERROR(files_->Remove(state_path_));
      replace_ = true;
    } else if (journal_.IsThere() && (!files_->Exists(state_path_) || StateIsOurs())) {
      CAIRN_RETURN_IF_ERROR(journal_.Read());
      replace_ = true;  // what was not finished
      return RemoveLeftovers();
    } else {
      CAIRN_RETURN_IF_ERROR(CheckNothingInTheWay());
    }
    return journal_.Begin();
  }

  bool StateIsOurs() const {
    const absl::StatusOr<std::string> text = files_->ReadWhole(state_path_, kMaxStateBytes);
    return text.ok() && *text == PrintCheckpointState(plan_.state);
  }

  absl::Status CheckNothingInTheWay() const {
    std::vector<std::string> names = {kCheckpointStateFile};
    for (const ExportStep& step : plan_.steps) {
      for (const char* suffix : {".index", ".meta"}) {
        names.push_back(absl::StrCat(step.name, suffix));
      }
    }
    std::vector<std::string> found;
    for (const std::string& name : names) {
      if (files_->Exists(absl::StrCat(folder_, name))) found.push_back(KeyTextFromBytes(name));
    }
    if (found.empty()) return absl::OkStatus();
    const size_t count = found.size();
    found.resize(std::min(count, kNamedFiles));
    const std::string folder = KeyTextFromBytes(folder_);
    return MakeError(
        ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
        absl::StrCat("cannot export to ", folder, ": it has ", absl::StrJoin(found, ", "),
                     count > found.size() ? " and others" : "",
                     "; choose an empty folder, or give --force, which replaces them"),
        {{"path", folder}});
  }

  // Temporary files of an export that was killed.
  absl::Status RemoveLeftovers() {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_->ListFolder(folder_));
    for (const std::string& name : names) {
      if (IsLeftover(name)) CAIRN_RETURN_IF_ERROR(files_->Remove(absl::StrCat(folder_, name)));
    }
    return absl::OkStatus();
  }

  // "ckpt-7.index.<32 hex digits>.tmp" and ".checkpoint-<32 hex digits>".
  bool IsLeftover(absl::string_view name) const {
    constexpr size_t kUidDigits = 32;
    const bool is_state = !absl::ConsumeSuffix(&name, ".tmp");
    if (name.size() <= kUidDigits) return false;
    const absl::string_view uid = name.substr(name.size() - kUidDigits);
    if (!std::all_of(uid.begin(), uid.end(), absl::ascii_isxdigit)) return false;
    name.remove_suffix(kUidDigits);
    if (is_state) return name == absl::StrCat(".", kCheckpointStateFile, "-");
    const auto of = [name](absl::string_view file) {
      return absl::StartsWith(name, absl::StrCat(file, "."));
    };
    return of(kExportJournalFile) ||
           std::any_of(plan_.steps.begin(), plan_.steps.end(),
                       [&of](const ExportStep& step) { return of(step.name); });
  }

  absl::Status Write(size_t i) {
    const auto& [checkpoint, name] = plan_.steps[i];
    const std::string text = KeyTextFromBytes(name);
    if (journal_.IsWhole(checkpoint.uid(), name)) {
      skipped_.push_back(text);
      return absl::OkStatus();
    }
    RestoreArguments arguments;
    arguments.output = absl::StrCat(folder_, name);
    arguments.force = replace_;
    arguments.state_file = false;
    CAIRN_RETURN_IF_ERROR(
        RestoreFiles(arguments, checkpoint,
                     absl::StrCat("exporting ", text, ", ", i + 1, " of ", plan_.steps.size()),
                     context_)
            .status());
    CAIRN_RETURN_IF_ERROR(journal_.Add(checkpoint.uid(), name));
    if (!context_.output.json()) {
      context_.output.Print(absl::StrCat(KeyTextFromBytes(arguments.output), "\n"));
    }
    Json document = CheckpointName(checkpoint);
    document.erase("directory");
    document["name"] = text;
    document["preserved"] = checkpoint.preserved();
    exported_.push_back(std::move(document));
    return absl::OkStatus();
  }

  const std::string folder_;
  const std::string state_path_;
  const v1::Directory directory_;
  const ExportPlan plan_;
  CommandContext& context_;
  FileSystem* const files_;
  ExportJournal journal_;
  bool replace_ = false;
  Json exported_ = Json::array();
  std::vector<std::string> skipped_;  // whole already
};

}  // namespace

absl::Status RunExportCommand(const ExportArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string path, ParseDirectory(arguments.directory));
  if (arguments.folder.empty()) return UsageError("FOLDER is empty");
  v1::GetDirectoryRequest request;
  request.set_directory(path);
  CAIRN_ASSIGN_OR_RETURN(const v1::Directory directory,
                         context.client.connection().GetDirectory(request));
  CAIRN_ASSIGN_OR_RETURN(std::vector<v1::Checkpoint> checkpoints,
                         context.client.ListCheckpoints(path));
  if (checkpoints.empty()) {
    return MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND, absl::StatusCode::kNotFound,
                     absl::StrCat("cannot export ", path, ": it has no checkpoint"),
                     {{"directory", path}});
  }
  Exporter exporter(
      absl::StrCat(arguments.folder, absl::EndsWith(arguments.folder, "/") ? "" : "/"), directory,
      PlanExport(directory, std::move(checkpoints)), context);
  return exporter.Run(arguments.force);
}

}  // namespace cairn::cli
