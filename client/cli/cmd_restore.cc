#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/command.h"
#include "client/cli/make_sink.h"
#include "client/cli/progress_bar.h"
#include "client/cli/reference_argument.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

// Says how to write all the same.
absl::Status WithWaysOut(const absl::Status& status) {
  if (!absl::IsAlreadyExists(status)) return status;
  return WithDetail(
      absl::Status(status.code(), absl::StrCat(status.message(), " (--force replaces it)")),
      DetailOf(status));
}

void PrintResult(const v1::Checkpoint& checkpoint, const std::string& path,
                 const RestoreTotals& totals, Output& output) {
  if (!output.json()) return;
  output.PrintJson({{"reference", checkpoint.reference()},
                    {"output", path},
                    {"tensors", totals.tensors},
                    {"bytes", totals.bytes}});
}

}  // namespace

absl::Status RunRestoreCommand(const RestoreArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference, ParseReference(arguments.reference));
  v1::GetCheckpointRequest request;
  request.set_directory(reference.directory);
  request.set_checkpoint(reference.checkpoint);
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint,
                         context.client.connection().GetCheckpoint(request));
  absl::StatusOr<std::unique_ptr<CheckpointSink>> sink =
      MakeCheckpointSink(arguments, checkpoint, context);
  CAIRN_RETURN_IF_ERROR(WithWaysOut(sink.status()));
  {
    ProgressBar progress("restoring", context.output, context.clock);
    RestoreOptions options;
    options.progress = progress.callback();
    CAIRN_RETURN_IF_ERROR(context.client
                              .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                       (*sink)->selectors(), options, **sink)
                              .status(),
                          absl::StrCat("restoring ", checkpoint.reference()));
  }
  CAIRN_RETURN_IF_ERROR((*sink)->Finish(), absl::StrCat("writing ", arguments.output));
  PrintResult(checkpoint, arguments.output, (*sink)->totals(), context.output);
  return absl::OkStatus();
}

}  // namespace cairn::cli
