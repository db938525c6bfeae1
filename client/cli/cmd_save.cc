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

namespace cairn::cli {

absl::Status RunSaveCommand(const SaveArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  if (arguments.number.has_value() && *arguments.number < 0) {
    return UsageError("--number must be at least 0");
  }
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointSource> source,
                         OpenCheckpointSource(context.file_system, arguments.prefix));
  const SourceIdentity& identity = source->identity();
  SaveOptions options;
  options.number = arguments.number.has_value() ? arguments.number : identity.number;
  options.replace = arguments.replace;
  options.annotations = identity.annotations;
  options.key_separator = identity.key_separator;
  absl::StatusOr<SaveResult> saved;
  {
    ProgressBar progress("saving", context.output, context.clock);
    options.progress = progress.callback();
    saved = context.client.Save(directory, source->slices(), options);
  }
  CAIRN_RETURN_IF_ERROR(saved.status(), absl::StrCat("saving ", identity.path));
  const v1::Checkpoint& checkpoint = saved->checkpoint;
  if (!context.output.json()) {
    context.output.Print(absl::StrCat(checkpoint.reference(), "\n"));
    return absl::OkStatus();
  }
  Json document = CheckpointName(checkpoint);
  document["tensors"] = checkpoint.tensor_count();
  document["attachments"] = checkpoint.attachment_count();
  document["bytes"] = checkpoint.logical_bytes();
  document["bytes_sent"] = saved->bytes_sent;
  document["bytes_stored"] = saved->bytes_stored;
  context.output.PrintJson(document);
  return absl::OkStatus();
}

}  // namespace cairn::cli
