// The state file of a folder of TensorFlow checkpoints: which one is the latest and which are
// managed.
#ifndef CAIRN_FORMATS_CHECKPOINT_STATE_CHECKPOINT_STATE_H_
#define CAIRN_FORMATS_CHECKPOINT_STATE_CHECKPOINT_STATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "formats/checkpoint_state/checkpoint_state.pb.h"

namespace cairn {

// Name of the file, unless a Saver was told another.
inline constexpr char kCheckpointStateFile[] = "checkpoint";

// The state in `text`. Errors: kInvalidArgument with ERROR_REASON_BAD_FILE (not the text form,
// naming line and column; model_checkpoint_path is empty; timestamps that are not as many as the
// paths).
absl::StatusOr<formats::CheckpointState> ParseCheckpointState(absl::string_view text);

// The text that TensorFlow writes, byte for byte.
std::string PrintCheckpointState(const formats::CheckpointState& state);

// The state in the file `path`. Errors: those of ParseCheckpointState, kNotFound,
// kResourceExhausted (over 64 MiB), naming the path.
absl::StatusOr<formats::CheckpointState> ReadCheckpointState(FileSystem* file_system,
                                                             const std::string& path);

// A timestamp as the state file has it: the fewest digits that give the same number back.
std::string PrintTimestamp(double timestamp);
// The other way round. Errors: kInvalidArgument with ERROR_REASON_BAD_FILE (not a finite number).
absl::StatusOr<double> ParseTimestamp(absl::string_view text);

// The name of a checkpoint that a state file records, in the file's folder: its last part, since
// the recorded folder may be another machine's. "ckpt-7" for "/gone/b/ckpt-7".
absl::string_view RecordedName(absl::string_view recorded);

// The checkpoint `recorded` of the state file at `state_path`, looked up beside it by its
// RecordedName: "runs/a/ckpt-7" for "/gone/b/ckpt-7" in "runs/a/checkpoint".
std::string PrefixBesideState(absl::string_view state_path, absl::string_view recorded);

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_STATE_CHECKPOINT_STATE_H_
