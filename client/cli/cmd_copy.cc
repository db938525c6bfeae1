#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/results.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

// Of one message, which the server takes up to 4 MiB of.
constexpr int kRenamesPerMessage = 300;

absl::StatusOr<v1::CopyCheckpointRequest::Rename> ParseRename(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == argument.size()) {
    return UsageError(absl::StrCat("--rename \"", argument,
                                   "\" is not of the form FROM=TO, both of them keys or what keys "
                                   "begin with"));
  }
  v1::CopyCheckpointRequest::Rename rename;
  rename.set_from(PrefixFromArgument(argument.substr(0, equals)));
  rename.set_to(PrefixFromArgument(argument.substr(equals + 1)));
  rename.set_prefix(true);
  return rename;
}

v1::CopyCheckpointRequest HeaderOf(const CopyArguments& arguments,
                                   const ReferenceArgument& reference,
                                   const std::string& directory) {
  v1::CopyCheckpointRequest header;
  header.set_directory(reference.directory);
  header.set_checkpoint(reference.checkpoint);
  header.set_target_directory(directory);
  if (arguments.number.has_value()) header.set_checkpoint_number(*arguments.number);
  header.set_if_exists(arguments.replace ? v1::SaveSession::IF_EXISTS_REPLACE
                                         : v1::SaveSession::IF_EXISTS_FAIL);
  for (const std::string& prefix : arguments.includes) {
    header.add_include(PrefixFromArgument(prefix));
  }
  for (const std::string& prefix : arguments.excludes) {
    header.add_exclude(PrefixFromArgument(prefix));
  }
  return header;
}

}  // namespace

absl::Status RunCopyCommand(const CopyArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference, ParseReference(arguments.reference));
  CAIRN_ASSIGN_OR_RETURN(const std::string directory, ParseDirectory(arguments.directory));
  if (arguments.number.value_or(0) < 0) return UsageError("--number must be at least 0");
  std::vector<v1::CopyCheckpointRequest> messages = {HeaderOf(arguments, reference, directory)};
  for (const std::string& argument : arguments.renames) {
    if (messages.back().renames_size() == kRenamesPerMessage) messages.emplace_back();
    CAIRN_ASSIGN_OR_RETURN(*messages.back().add_renames(), ParseRename(argument));
  }
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint copy,
                         context.client.connection().CopyCheckpoint(messages),
                         absl::StrCat("copying ", arguments.reference));
  if (!context.output.json()) {
    context.output.Print(absl::StrCat(copy.reference(), "\n"));
    return absl::OkStatus();
  }
  Json document = CheckpointName(copy);
  document["tensors"] = copy.tensor_count();
  document["attachments"] = copy.attachment_count();
  document["bytes"] = copy.logical_bytes();
  document["bytes_stored"] = copy.stored_bytes();
  context.output.PrintJson(document);
  return absl::OkStatus();
}

}  // namespace cairn::cli
