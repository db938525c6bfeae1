// Chooses what kind of files a restore writes.
#ifndef CAIRN_CLIENT_CLI_MAKE_SINK_H_
#define CAIRN_CLIENT_CLI_MAKE_SINK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/command.h"

namespace cairn::cli {

// The sink that `arguments` ask for, planned for what they select of `checkpoint`.
// Errors: usage; kAlreadyExists (files are there, and no --force); those of planning a format.
absl::StatusOr<std::unique_ptr<CheckpointSink>> MakeCheckpointSink(
    const RestoreArguments& arguments, const v1::Checkpoint& checkpoint, CommandContext& context);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_MAKE_SINK_H_
