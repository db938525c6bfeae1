#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/checkpoint_source.h"
#include "client/cli/command.h"
#include "client/cli/open_source.h"
#include "client/cli/progress_bar.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/usage_error.h"
#include "client/cli/writer_share.h"

namespace cairn::cli {
namespace {

absl::Status CheckArguments(const SaveArguments& arguments) {
  if (arguments.number.has_value() && *arguments.number < 0) {
    return UsageError("--number must be at least 0");
  }
  if (arguments.base.has_value() && !arguments.incremental) {
    return UsageError("--base goes with --incremental");
  }
  const int given =
      arguments.session.has_value() + arguments.writers.has_value() + arguments.writer.has_value();
  if (given == 0) return absl::OkStatus();
  if (given < 3) {
    return UsageError(
        "one of several writers gives all of --session ID, --writers N and --writer K");
  }
  if (*arguments.writers < 1 || *arguments.writer < 0 || *arguments.writer >= *arguments.writers) {
    return UsageError(absl::StrCat("--writer ", *arguments.writer, " of --writers ",
                                   *arguments.writers, ": writers are counted from 0"));
  }
  return absl::OkStatus();
}

SaveOptions OptionsOf(const SaveArguments& arguments, const SourceIdentity& identity) {
  SaveOptions options;
  options.number = arguments.number.has_value() ? arguments.number : identity.number;
  options.replace = arguments.replace;
  options.annotations = identity.annotations;
  options.key_separator = identity.key_separator;
  if (arguments.session.has_value()) {
    options.session = *arguments.session;
    options.expected_writers = *arguments.writers;
    options.writer = absl::StrCat(*arguments.writer);
  }
  return options;
}

// What the base is; "" without one.
absl::StatusOr<std::string> BaseOf(const SaveArguments& arguments, const std::string& directory,
                                   CommandContext& context) {
  if (!arguments.incremental) return "";
  if (arguments.base.has_value()) {
    if (arguments.base->find('@') == std::string::npos) return *arguments.base;
    CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument base, ParseReference(*arguments.base));
    if (base.directory == directory) return base.checkpoint;
    return UsageError(absl::StrCat("--base ", *arguments.base, " is not in ", directory,
                                   ", where a base must be; copy it there first"));
  }
  v1::GetLatestCheckpointRequest request;
  request.set_directory(directory);
  const absl::StatusOr<v1::Checkpoint> latest =
      context.client.connection().GetLatestCheckpoint(request);
  if (absl::IsNotFound(latest.status())) return "";
  CAIRN_RETURN_IF_ERROR(latest.status());
  return "latest";
}

// What a writer prints whom others have still to follow. The answer to its seal names it alone.
absl::Status PrintSealed(const SaveResult& saved, CommandContext& context) {
  v1::GetSaveSessionRequest request;
  request.set_directory(saved.session.directory());
  request.set_session(saved.session.session());
  CAIRN_ASSIGN_OR_RETURN(const v1::SaveSession session,
                         context.client.connection().GetSaveSession(request));
  Output& output = context.output;
  if (output.json()) {
    output.PrintJson({{"directory", session.directory()},
                      {"session", session.session()},
                      {"state", "sealed"},
                      {"number", session.checkpoint_number()},
                      {"uid", session.uid()},
                      {"writers_sealed", session.writers_size()},
                      {"bytes_sent", saved.bytes_sent}});
    return absl::OkStatus();
  }
  output.Print(absl::StrCat("session ", session.session(), " of ", session.directory(), ": ",
                            session.writers_size(), " of ", session.expected_writers(),
                            " writers sealed\n"));
  return absl::OkStatus();
}

void PrintCommitted(const SaveResult& saved, Output& output) {
  const v1::Checkpoint& checkpoint = saved.checkpoint;
  if (!output.json()) {
    output.Print(absl::StrCat(checkpoint.reference(), "\n"));
    return;
  }
  Json document = CheckpointName(checkpoint);
  document["state"] = "committed";
  document["tensors"] = checkpoint.tensor_count();
  document["attachments"] = checkpoint.attachment_count();
  document["bytes"] = checkpoint.logical_bytes();
  document["bytes_sent"] = saved.bytes_sent;
  document["bytes_reused"] = saved.bytes_reused;
  document["bytes_stored"] = saved.bytes_stored;
  output.PrintJson(document);
}

}  // namespace

absl::Status RunSaveCommand(const SaveArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  CAIRN_RETURN_IF_ERROR(CheckArguments(arguments));
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointSource> source,
                         OpenCheckpointSource(context.file_system, arguments.prefix));
  const SourceIdentity& identity = source->identity();
  SaveOptions options = OptionsOf(arguments, identity);
  CAIRN_ASSIGN_OR_RETURN(options.base, BaseOf(arguments, directory, context));
  const absl::Span<const SliceToSave> share =
      ShareOf(source->slices(), arguments.writers.value_or(1), arguments.writer.value_or(0));
  absl::StatusOr<SaveResult> saved;
  {
    ProgressBar progress("saving", context.output, context.clock);
    options.progress = progress.callback();
    saved = context.client.Save(directory, share, options);
  }
  CAIRN_RETURN_IF_ERROR(saved.status(), absl::StrCat("saving ", identity.path));
  if (!saved->committed) return PrintSealed(*saved, context);
  PrintCommitted(*saved, context.output);
  return absl::OkStatus();
}

}  // namespace cairn::cli
