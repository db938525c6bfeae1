#include <cstdint>
#include <string>

#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/restore_files.h"
#include "formats/safetensors/safetensors_path.h"

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

// A checkpoint that is restored whole comes without its attachments, unless the files have a place
// for them; nobody should find that out later.
void NoteLeftOut(const RestoreArguments& arguments, const v1::Checkpoint& checkpoint,
                 const RestoreTotals& totals, Output& output) {
  const bool whole =
      arguments.prefixes.empty() && arguments.keys.empty() && arguments.objects.empty();
  const int64_t left_out = checkpoint.attachment_count() - totals.attachments;
  if (!whole || left_out <= 0 || IsSafetensorsFile(arguments.output)) return;
  output.errors()
      << "note: " << left_out << (left_out == 1 ? " attachment is" : " attachments are")
      << " left out; --saved-model writes a SavedModel with all of it, `cairn cat` prints "
         "one\n";
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
  NoteLeftOut(arguments, checkpoint, totals, context.output);
  PrintResult(checkpoint, arguments.output, totals, context.output);
  return absl::OkStatus();
}

}  // namespace cairn::cli
