#include "client/cli/import_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"
#include "base/key_text.h"
#include "client/cli/results.h"
#include "client/cli/tensorflow_annotations.h"
#include "formats/checkpoint_state/checkpoint_state.h"

namespace cairn::cli {
namespace {

absl::Status Refused(const ImportTarget& target, absl::string_view what) {
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("cannot import into ", target.directory, ": ", what),
                   {{"directory", target.directory}});
}

// One checkpoint of the folder beside the one of its name in the directory, if there is one.
struct Pair {
  const FolderCheckpoint* checkpoint;
  std::string name;  // as annotations and messages have it
  const v1::Checkpoint* there = nullptr;
};

class Planner {
 public:
  Planner(FileSystem* file_system, const CheckpointFolder& folder, const ImportTarget& target)
      : file_system_(file_system), folder_(folder), target_(target) {}

  absl::StatusOr<ImportPlan> Plan() {
    CAIRN_RETURN_IF_ERROR(Match());
    CAIRN_RETURN_IF_ERROR(CheckOrder());
    ImportPlan plan;
    for (const Pair& pair : pairs_) {
      if (pair.there != nullptr) {
        plan.skipped.push_back(pair.name);
        continue;
      }
      CAIRN_ASSIGN_OR_RETURN(ImportStep step, StepOf(pair));
      plan.steps.push_back(std::move(step));
    }
    ChooseNumbers(&plan.steps);
    return plan;
  }

 private:
  absl::Status Match() {
    std::map<std::string, const v1::Checkpoint*> by_name;
    for (const v1::Checkpoint& checkpoint : target_.checkpoints) {
      const auto it = checkpoint.annotations().find(kPrefixAnnotation);
      if (it != checkpoint.annotations().end()) by_name[it->second] = &checkpoint;
    }
    for (const FolderCheckpoint& checkpoint : folder_.checkpoints) {
      Pair pair{&checkpoint, KeyTextFromBytes(checkpoint.name)};
      const auto it = by_name.find(pair.name);
      if (it != by_name.end()) {
        pair.there = it->second;
        CAIRN_RETURN_IF_ERROR(CheckSameContent(pair));
      }
      pairs_.push_back(std::move(pair));
    }
    return absl::OkStatus();
  }

  absl::Status CheckSameContent(const Pair& pair) const {
    const auto it = pair.there->annotations().find(kContentAnnotation);
    if (it == pair.there->annotations().end()) return absl::OkStatus();  // `cairn save` saved it
    CAIRN_ASSIGN_OR_RETURN(const std::string mark,
                           ContentMark(file_system_, pair.checkpoint->files));
    if (mark == it->second) return absl::OkStatus();
    return Refused(target_, absl::StrCat("the ", pair.name, " of the folder is not the one that ",
                                         pair.there->reference(),
                                         " was imported from: it was saved again, or is of another "
                                         "run; for the former, `cairn rm ",
                                         pair.there->reference(),
                                         "` and import again, for the latter choose another "
                                         "directory"));
  }

  // Whether the import leaves the folder's latest as the directory's. What is preserved is in
  // nobody's list: among the listed its place does not matter.
  absl::Status CheckOrder() const {
    const Pair* last_there = nullptr;
    const Pair* first_new = nullptr;
    const Pair* preserved_new = nullptr;
    for (const Pair& pair : pairs_) {
      if (folder_.has_state && !pair.checkpoint->listed) {
        if (pair.there == nullptr && preserved_new == nullptr) preserved_new = &pair;
      } else if (pair.there == nullptr) {
        if (first_new == nullptr) first_new = &pair;
      } else {
        if (first_new != nullptr) return WouldComeAfter(*first_new, pair);
        if (last_there != nullptr) CAIRN_RETURN_IF_ERROR(CheckCommitted(*last_there, pair));
        last_there = &pair;
      }
    }
    if (first_new == nullptr && preserved_new != nullptr) {
      if (last_there != nullptr) return WouldComeAfter(*preserved_new, *last_there);
      first_new = preserved_new;
    }
    return first_new != nullptr ? CheckNewerThanLatest(*first_new) : absl::OkStatus();
  }

  // Two that are there are in the order of the state file.
  absl::Status CheckCommitted(const Pair& earlier, const Pair& later) const {
    if (!folder_.has_state || earlier.there->sequence() < later.there->sequence()) {
      return absl::OkStatus();
    }
    return Refused(target_,
                   absl::StrCat("the state file has ", later.name, " after ", earlier.name,
                                ", and in the directory it was committed before it; `cairn rm ",
                                later.there->reference(), "` and import again"));
  }

  absl::Status WouldComeAfter(const Pair& late, const Pair& there) const {
    return Refused(
        target_,
        absl::StrCat(late.name, " belongs before ", there.name, ", which is there as ",
                     there.there->reference(),
                     "; imported now it would come after it, and `latest` would mean an "
                     "older checkpoint than in the folder; import into another directory"));
  }

  // A latest that is not of this folder, or not any more, gives way to a newer one only.
  absl::Status CheckNewerThanLatest(const Pair& first) const {
    if (target_.checkpoints.empty()) return absl::OkStatus();
    const v1::Checkpoint& latest = target_.checkpoints.back();
    if (std::any_of(pairs_.begin(), pairs_.end(),
                    [&latest](const Pair& pair) { return pair.there == &latest; })) {
      return absl::OkStatus();
    }
    const absl::Time latest_time = TimeFrom(latest.save_time());
    if (first.checkpoint->time >= latest_time) return absl::OkStatus();
    return Refused(target_,
                   absl::StrCat(latest.reference(), ", which the folder does not have, was saved ",
                                Rfc3339(latest_time), ", after ", first.name, " (",
                                Rfc3339(first.checkpoint->time),
                                "); `latest` would mean an older checkpoint than now; import into "
                                "another directory"));
  }

  absl::StatusOr<ImportStep> StepOf(const Pair& pair) const {
    ImportStep step;
    step.checkpoint = *pair.checkpoint;
    step.preserved = !pair.checkpoint->listed;
    step.annotations[kPrefixAnnotation] = pair.name;
    if (pair.checkpoint->listed) {
      step.annotations[kTimestampAnnotation] = pair.checkpoint->timestamp.has_value()
                                                   ? PrintTimestamp(*pair.checkpoint->timestamp)
                                                   : kNoTimestamp;
    }
    CAIRN_ASSIGN_OR_RETURN(step.annotations[kContentAnnotation],
                           ContentMark(file_system_, pair.checkpoint->files));
    return step;
  }

  void ChooseNumbers(std::vector<ImportStep>* steps) const {
    std::set<int64_t> used;
    for (const v1::Checkpoint& checkpoint : target_.checkpoints) {
      if (checkpoint.has_number()) used.insert(checkpoint.number());
    }
    std::set<const ImportStep*> claimed;
    for (const bool listed : {true, false}) {
      for (ImportStep& step : *steps) {
        if (step.checkpoint.listed != listed || !step.checkpoint.number.has_value()) continue;
        if (!used.insert(*step.checkpoint.number).second) continue;
        step.number = *step.checkpoint.number;
        claimed.insert(&step);
      }
    }
    // As the server counts: every save raises the counter, and what is in use is passed over.
    int64_t counter = target_.save_counter;
    for (ImportStep& step : *steps) {
      ++counter;
      if (claimed.contains(&step)) continue;
      while (!used.insert(counter).second) ++counter;
      step.number = counter;
    }
  }

  FileSystem* const file_system_;
  const CheckpointFolder& folder_;
  const ImportTarget& target_;
  std::vector<Pair> pairs_;  // in the folder's order
};

}  // namespace

absl::StatusOr<ImportPlan> PlanImport(FileSystem* file_system, const CheckpointFolder& folder,
                                      const ImportTarget& target) {
  return Planner(file_system, folder, target).Plan();
}

}  // namespace cairn::cli
