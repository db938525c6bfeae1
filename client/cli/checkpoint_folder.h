// A folder of TensorFlow checkpoints: which there are, in the order in which a directory takes
// them.
#ifndef CAIRN_CLIENT_CLI_CHECKPOINT_FOLDER_H_
#define CAIRN_CLIENT_CLI_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/file_system.h"

namespace cairn::cli {

struct FolderCheckpoint {
  std::string name;                // any bytes but '/': "ckpt-7"
  std::string path;                // for OpenCheckpointSource
  std::vector<std::string> files;  // whose bytes tell whether it is another one: the index, or V1's
  std::optional<int64_t> number;   // that the name claims
  bool listed = false;             // by the state file
  std::optional<double> timestamp;  // in the state file, seconds since 1970
  absl::Time time;                  // the timestamp, or when its file was written
};

struct CheckpointFolder {
  // First those that the state file does not list, by the time of their files; then the listed, in
  // its order, the last being TensorFlow's latest.
  std::vector<FolderCheckpoint> checkpoints;
  std::vector<std::string> missing;  // names that the state file lists and that are not there
  bool has_state = false;            // a state file
  double last_preserved = 0;         // its last_preserved_timestamp
};

// Reads `folder`, its state file if there is one, and the times of the files. Paths in the state
// file are looked up in the folder by their last part; several that have the same are one, at the
// place and with the timestamp of the last. A checkpoint named just ".index" has no name and is
// left out. Errors: kInvalidArgument with ERROR_REASON_BAD_FILE (no folder; the state file is
// damaged, or has a timestamp that is no time), kFailedPrecondition (its latest is not the last
// that it lists), those of FileSystem.
absl::StatusOr<CheckpointFolder> ReadCheckpointFolder(FileSystem* file_system,
                                                      const std::string& folder);

// A short text that differs for two checkpoints of different content: sizes and crc32c of `files`;
// an index holds the sums of all tensors. Errors: those of FileSystem.
absl::StatusOr<std::string> ContentMark(FileSystem* file_system,
                                        const std::vector<std::string>& files);

// "ckpt-7" for "ckpt-7-?????-of-00016" and "ckpt-7-00003-of-00016", which is how V1 names the files
// of a checkpoint.
absl::string_view NameWithoutShards(absl::string_view name);

// The number that a checkpoint's name claims: 7 for "ckpt-7", 5 for "cp-0005.ckpt".
std::optional<int64_t> NumberOfName(absl::string_view name);

// To the microsecond, which is what the store keeps. Requires: at most year 9999.
absl::Time TimeOfTimestamp(double timestamp);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_CHECKPOINT_FOLDER_H_
