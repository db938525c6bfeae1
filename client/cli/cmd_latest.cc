#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"

namespace cairn::cli {

absl::Status RunLatestCommand(const LatestArguments& arguments, CommandContext& context) {
  v1::GetLatestCheckpointRequest request;
  CAIRN_ASSIGN_OR_RETURN(*request.mutable_directory(), ParseDirectory(arguments.directory));
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint latest,
                         context.client.connection().GetLatestCheckpoint(request));
  if (context.output.json()) {
    context.output.PrintJson(CheckpointName(latest));
  } else {
    context.output.Print(absl::StrCat(latest.reference(), "\n"));
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
