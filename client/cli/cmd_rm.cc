#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"

namespace cairn::cli {

absl::Status RunRemoveCommand(const RemoveArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference,
                         ParseReferenceToDelete(arguments.reference));
  v1::DeleteCheckpointRequest request;
  request.set_directory(reference.directory);
  request.set_checkpoint(reference.checkpoint);
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint deleted,
                         context.client.connection().DeleteCheckpoint(request));
  if (context.output.json()) context.output.PrintJson(CheckpointName(deleted));
  return absl::OkStatus();
}

}  // namespace cairn::cli
