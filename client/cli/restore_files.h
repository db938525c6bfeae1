// One checkpoint into files: what `cairn restore` and `cairn export` do.
#ifndef CAIRN_CLIENT_CLI_RESTORE_FILES_H_
#define CAIRN_CLIENT_CLI_RESTORE_FILES_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/command.h"

namespace cairn::cli {

// Restores what `arguments` select of `checkpoint` into the files that they name. `doing` is what
// the progress says: "restoring". Errors: those of MakeCheckpointSink, which tell how to write all
// the same, of Client::Restore and of the sink.
absl::StatusOr<RestoreTotals> RestoreFiles(const RestoreArguments& arguments,
                                           const v1::Checkpoint& checkpoint,
                                           absl::string_view doing, CommandContext& context);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_RESTORE_FILES_H_
