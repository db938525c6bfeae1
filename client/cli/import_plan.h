// What an import has to save, given what the directory has already.
#ifndef CAIRN_CLIENT_CLI_IMPORT_PLAN_H_
#define CAIRN_CLIENT_CLI_IMPORT_PLAN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "cairn/v1/types.pb.h"
#include "client/cli/checkpoint_folder.h"

namespace cairn::cli {

struct ImportStep {
  FolderCheckpoint checkpoint;
  int64_t number = 0;
  bool preserved = false;  // no manager's list has it
  std::map<std::string, std::string> annotations;
};

struct ImportPlan {
  std::vector<ImportStep> steps;     // in the order of their commits
  std::vector<std::string> skipped;  // names that are there already
};

// Where the import goes. All empty for a directory that is not there yet.
struct ImportTarget {
  std::string directory;
  int64_t save_counter = 0;
  std::vector<v1::Checkpoint> checkpoints;  // in order of commit
};

// A checkpoint is there already if the directory has one of its name; with other content it is an
// error. Numbers come from the names, those of listed ones first; a name without a number, or whose
// number is in use, gets the directory's next that nobody claims. Preserved are those that the
// state file does not list, without a state file all: TensorFlow's managers would not know them.
// Errors: kFailedPrecondition (a checkpoint of the name with other content is there, or the import
// would leave another checkpoint as `latest` than the folder's, or older ones on top of newer:
// what to do is said); those of ContentMark.
absl::StatusOr<ImportPlan> PlanImport(FileSystem* file_system, const CheckpointFolder& folder,
                                      const ImportTarget& target);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_IMPORT_PLAN_H_
