#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "client/cli/checkpoint_folder.h"
#include "client/cli/checkpoint_source.h"
#include "client/cli/command.h"
#include "client/cli/import_plan.h"
#include "client/cli/open_source.h"
#include "client/cli/progress_bar.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/tensorflow_annotations.h"
#include "formats/checkpoint_state/checkpoint_state.h"

namespace cairn::cli {
namespace {

// By its session's id an import knows what another one left behind.
constexpr char kSessionPrefix[] = "import-";

struct Target {
  ImportTarget plan;
  std::optional<v1::Directory> directory;  // unset: not there yet
};

std::vector<std::string> Texts(const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  for (const std::string& name : names) texts.push_back(KeyTextFromBytes(name));
  return texts;
}

absl::StatusOr<CheckpointFolder> ReadFolder(const ImportArguments& arguments,
                                            CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(CheckpointFolder folder,
                         ReadCheckpointFolder(context.file_system, arguments.folder));
  const std::string text = KeyTextFromBytes(arguments.folder);
  if (!folder.missing.empty() && !arguments.skip_missing) {
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kNotFound,
                     absl::StrCat("cannot import ", text, ": its state file lists what is not ",
                                  "there: ", absl::StrJoin(Texts(folder.missing), ", "),
                                  "; put it beside the state file or give --skip-missing"),
                     {{"path", text}});
  }
  if (folder.checkpoints.empty() && folder.missing.empty()) {
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kNotFound,
                     absl::StrCat("cannot import ", text, ": it holds no TensorFlow checkpoint, ",
                                  "neither a `checkpoint` file nor one that ends in .index"),
                     {{"path", text}});
  }
  return folder;
}

absl::StatusOr<Target> ReadTarget(const std::string& path, CommandContext& context) {
  Target target;
  target.plan.directory = path;
  v1::GetDirectoryRequest request;
  request.set_directory(path);
  absl::StatusOr<v1::Directory> directory = context.client.connection().GetDirectory(request);
  if (ReasonOf(directory.status()) == ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND) return target;
  CAIRN_RETURN_IF_ERROR(directory.status());
  target.plan.save_counter = directory->save_counter();
  CAIRN_ASSIGN_OR_RETURN(target.plan.checkpoints, context.client.ListCheckpoints(path));
  target.directory = *std::move(directory);
  return target;
}

// Gives the directory the clock base of preservation by age that a manager would read. A later one
// that is no default is kept: time goes on.
absl::Status BringLastPreserved(const CheckpointFolder& folder, const Target& target,
                                CommandContext& context) {
  if (!folder.has_state) return absl::OkStatus();
  const absl::Time time = TimeOfTimestamp(folder.last_preserved);
  const std::string text = PrintTimestamp(folder.last_preserved);
  const google::protobuf::Timestamp timestamp = TimestampFrom(time);
  if (!target.directory.has_value()) {
    v1::CreateDirectoryRequest request;
    request.set_directory(target.plan.directory);
    *request.mutable_last_preserved_time() = timestamp;
    (*request.mutable_annotations())[kLastPreservedAnnotation] = text;
    return context.client.connection().CreateDirectory(request).status();
  }
  const v1::Directory& directory = *target.directory;
  const auto noted = directory.annotations().find(kLastPreservedAnnotation);
  const absl::Time now = TimeFrom(directory.last_preserved_time());
  const bool has_text = noted != directory.annotations().end() && noted->second == text;
  if (now == time && has_text) return absl::OkStatus();
  const absl::Time by_default = TimeFrom(directory.create_time()) - absl::Seconds(1);
  if (!target.plan.checkpoints.empty() && now > time && now != by_default) return absl::OkStatus();
  v1::UpdateDirectoryRequest request;
  request.set_directory(target.plan.directory);
  request.set_etag(directory.etag());
  *request.mutable_annotations() = directory.annotations();
  (*request.mutable_annotations())[kLastPreservedAnnotation] = text;
  *request.mutable_last_preserved_time() = timestamp;
  return context.client.connection().UpdateDirectory(request).status();
}

// An import that was killed leaves a session that holds its number until its lease ends.
absl::Status EndInterrupted(const ImportPlan& plan, const std::string& directory,
                            CommandContext& context) {
  std::set<std::string> names;
  for (const ImportStep& step : plan.steps) names.insert(step.annotations.at(kPrefixAnnotation));
  v1::ListSaveSessionsRequest request;
  request.set_directory(directory);
  do {
    CAIRN_ASSIGN_OR_RETURN(const v1::ListSaveSessionsResponse page,
                           context.client.connection().ListSaveSessions(request));
    for (const v1::SaveSession& session : page.save_sessions()) {
      const auto name = session.annotations().find(kPrefixAnnotation);
      if (session.state() != v1::SaveSession::STATE_OPEN ||
          !absl::StartsWith(session.session(), kSessionPrefix) ||
          name == session.annotations().end() || !names.contains(name->second)) {
        continue;
      }
      v1::AbortSaveSessionRequest abort;
      abort.set_directory(directory);
      abort.set_session(session.session());
      abort.set_reason("another import of this checkpoint began");
      CAIRN_RETURN_IF_ERROR(context.client.connection().AbortSaveSession(abort).status());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<v1::Checkpoint> SaveStep(const ImportStep& step, const std::string& directory,
                                        const std::string& doing, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointSource> source,
                         OpenCheckpointSource(context.file_system, step.checkpoint.path));
  SaveOptions options;
  options.number = step.number;
  options.annotations = source->identity().annotations;
  for (const auto& [name, text] : step.annotations) options.annotations[name] = text;
  options.key_separator = source->identity().key_separator;
  options.save_time = step.checkpoint.time;
  options.preserved = step.preserved;
  options.session = absl::StrCat(kSessionPrefix, Random::System()->NextUid().ToHex());
  ProgressBar progress(doing, context.output, context.clock);
  options.progress = progress.callback();
  CAIRN_ASSIGN_OR_RETURN(SaveResult saved,
                         context.client.Save(directory, source->slices(), options));
  return std::move(saved.checkpoint);
}

Json ImportedDocument(const ImportStep& step, const v1::Checkpoint& checkpoint) {
  Json document;
  document["name"] = step.annotations.at(kPrefixAnnotation);
  document["number"] = checkpoint.has_number() ? Json(checkpoint.number()) : Json();
  document["uid"] = checkpoint.uid();
  document["reference"] = checkpoint.reference();
  document["preserved"] = checkpoint.preserved();
  return document;
}

// Saves all, and prints each as soon as it is there.
absl::StatusOr<Json> SaveSteps(const ImportPlan& plan, const std::string& directory,
                               CommandContext& context) {
  Json imported = Json::array();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const ImportStep& step = plan.steps[i];
    const std::string& name = step.annotations.at(kPrefixAnnotation);
    CAIRN_ASSIGN_OR_RETURN(
        const v1::Checkpoint checkpoint,
        SaveStep(step, directory,
                 absl::StrCat("importing ", name, ", ", i + 1, " of ", plan.steps.size()), context),
        absl::StrCat("importing ", KeyTextFromBytes(step.checkpoint.path)));
    if (!context.output.json()) context.output.Print(absl::StrCat(checkpoint.reference(), "\n"));
    imported.push_back(ImportedDocument(step, checkpoint));
  }
  return imported;
}

void Report(const std::string& directory, const CheckpointFolder& folder, const ImportPlan& plan,
            Json imported, CommandContext& context) {
  const std::vector<std::string> missing = Texts(folder.missing);
  if (context.output.json()) {
    context.output.PrintJson({{"directory", directory},
                              {"imported", std::move(imported)},
                              {"skipped", plan.skipped},
                              {"missing", missing}});
    return;
  }
  if (!missing.empty()) {
    context.output.errors() << "left out, not in the folder: " << absl::StrJoin(missing, ", ")
                            << std::endl;
  }
  if (plan.steps.empty()) {
    context.output.errors() << "nothing to import: all " << plan.skipped.size()
                            << " checkpoints of the folder are there" << std::endl;
  }
}

}  // namespace

absl::Status RunImportCommand(const ImportArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string path, ParseDirectory(arguments.directory));
  CAIRN_ASSIGN_OR_RETURN(const CheckpointFolder folder, ReadFolder(arguments, context));
  CAIRN_ASSIGN_OR_RETURN(const Target target, ReadTarget(path, context));
  CAIRN_ASSIGN_OR_RETURN(const ImportPlan plan,
                         PlanImport(context.file_system, folder, target.plan));
  if (target.directory.has_value() || !plan.steps.empty()) {
    CAIRN_RETURN_IF_ERROR(BringLastPreserved(folder, target, context));
  }
  if (target.directory.has_value()) {
    CAIRN_RETURN_IF_ERROR(EndInterrupted(plan, path, context));
  }
  CAIRN_ASSIGN_OR_RETURN(Json imported, SaveSteps(plan, path, context));
  Report(path, folder, plan, std::move(imported), context);
  return absl::OkStatus();
}

}  // namespace cairn::cli
