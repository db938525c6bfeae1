// How a directory becomes a folder of TensorFlow checkpoints: their names, and the state file.
#ifndef CAIRN_CLIENT_CLI_EXPORT_PLAN_H_
#define CAIRN_CLIENT_CLI_EXPORT_PLAN_H_

#include <string>
#include <vector>

#include "cairn/v1/types.pb.h"
#include "formats/checkpoint_state/checkpoint_state.h"

namespace cairn::cli {

struct ExportStep {
  v1::Checkpoint checkpoint;
  std::string name;  // of its files: "ckpt-7"
};

struct ExportPlan {
  std::vector<ExportStep> steps;  // in order of commit
  formats::CheckpointState state;
};

// `checkpoints`: all of `directory`, in order of commit, at least one.
//
// A name is the one that the checkpoint had in its folder. Where several had the same, the one
// committed last has it, as in a folder; the others, those without a name and those whose name is
// none of a file become "ckpt-<number>", with the uid if that is taken too.
//
// The state file names the latest, and lists what is not preserved, with timestamps unless no one
// has one: those of the folder it came from, else when it was saved. What was listed without gets
// last_preserved_timestamp among others that have one: a manager does not take it up either way.
ExportPlan PlanExport(const v1::Directory& directory, std::vector<v1::Checkpoint> checkpoints);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_EXPORT_PLAN_H_
