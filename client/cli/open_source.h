// Finds out what kind of checkpoint a path means.
#ifndef CAIRN_CLIENT_CLI_OPEN_SOURCE_H_
#define CAIRN_CLIENT_CLI_OPEN_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"

namespace cairn::cli {

// The checkpoint at `path`, as people type it: a safetensors file, or the index of several, by its
// name; else a SavedModel; else what ResolveBundlePath finds, with the graph beside it; else, in a
// folder without those, the index or the one safetensors file that is there. `file_system` is not
// owned and outlives the source. Errors: those of ResolveBundlePath, of FindSafetensors and of the
// source's format.
absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenCheckpointSource(FileSystem* file_system,
                                                                       const std::string& path);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_OPEN_SOURCE_H_
