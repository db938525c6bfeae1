// The `checkpoint` file beside restored TensorFlow checkpoints.
#ifndef CAIRN_CLIENT_CLI_STATE_FILE_H_
#define CAIRN_CLIENT_CLI_STATE_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "formats/checkpoint_state/checkpoint_state.h"

namespace cairn::cli {

// Written beside and renamed. What was not published is removed.
class StateFile {
 public:
  // Writes one that names `prefix` alone, relative to its folder, under a temporary name.
  // `file_system` is not owned. Errors: those of FileSystem.
  static absl::StatusOr<std::unique_ptr<StateFile>> Prepare(FileSystem* file_system,
                                                            const std::string& prefix);
  // Likewise `state`. `folder` ends with "/", or is empty for the current one.
  static absl::StatusOr<std::unique_ptr<StateFile>> Prepare(FileSystem* file_system,
                                                            const std::string& folder,
                                                            const formats::CheckpointState& state);
  ~StateFile();

  // Gives it its name, in place of one that is there.
  absl::Status Publish();

 private:
  StateFile(FileSystem* file_system, const std::string& folder);

  FileSystem* const file_system_;
  const std::string folder_;
  const std::string temporary_;  // path
  bool is_there_ = false;        // under its temporary name
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_STATE_FILE_H_
