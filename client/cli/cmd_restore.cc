#include <string>

#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/restore_files.h"

namespace cairn::cli {
namespace {

void PrintResult(const v1::Checkpoint& checkpoint, const std::string& path,
                 const RestoreTotals& totals, Output& output) {
  if (!output.json()) return;
  output.PrintJson({{"reference", checkpoint.reference()},
                    {"output", path},
                    {"tensors", totals.tensors},
                    {"attachments", totals.attachments},
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
  CAIRN_ASSIGN_OR_RETURN(const RestoreTotals totals,
                         RestoreFiles(arguments, checkpoint, "restoring", context));
  PrintResult(checkpoint, arguments.output, totals, context.output);
  return absl::OkStatus();
}

}  // namespace cairn::cli
