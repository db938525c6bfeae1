#include "client/cli/export_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/key_text.h"
#include "client/cli/checkpoint_folder.h"
#include "client/cli/results.h"
#include "client/cli/tensorflow_annotations.h"
#include "formats/safetensors/safetensors_path.h"

namespace cairn::cli {
namespace {

// File systems take 255 bytes, of which ".data-00000-of-00001" and the temporary name need some.
constexpr size_t kMaxNameBytes = 190;

std::optional<std::string> Annotation(const google::protobuf::Map<std::string, std::string>& notes,
                                      const char* name) {
  const auto it = notes.find(name);
  if (it == notes.end()) return std::nullopt;
  return it->second;
}

double SecondsOf(const google::protobuf::Timestamp& time) {
  return static_cast<double>(absl::ToUnixMicros(TimeFrom(time))) / 1e6;
}

// The name that a checkpoint had, if files can have it, TensorFlow takes it, and it asks for no
// other format.
std::optional<std::string> OriginalName(const v1::Checkpoint& checkpoint) {
  const std::optional<std::string> text = Annotation(checkpoint.annotations(), kPrefixAnnotation);
  if (!text.has_value()) return std::nullopt;
  std::string name(NameWithoutShards(BytesFromKeyText(*text).value_or(*text)));
  if (name.empty() || name.size() > kMaxNameBytes || name == "." || name == ".." ||
      name == kCheckpointStateFile || IsSafetensorsFile(name) || IsSafetensorsIndex(name) ||
      name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return name;
}

std::string UniqueName(const v1::Checkpoint& checkpoint, const std::set<std::string>& taken) {
  if (!checkpoint.has_number()) return absl::StrCat("ckpt-", checkpoint.uid());
  std::string name = absl::StrCat("ckpt-", checkpoint.number());
  if (!taken.contains(name)) return name;
  return absl::StrCat(name, "-", checkpoint.uid());
}

std::vector<ExportStep> NameAll(std::vector<v1::Checkpoint> checkpoints) {
  std::map<std::string, std::string> owners;  // name to uid; the last wins
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    if (const auto name = OriginalName(checkpoint)) owners[*name] = checkpoint.uid();
  }
  std::set<std::string> taken;
  for (const auto& [name, uid] : owners) taken.insert(name);
  std::vector<ExportStep> steps;
  for (v1::Checkpoint& checkpoint : checkpoints) {
    std::optional<std::string> name = OriginalName(checkpoint);
    if (!name.has_value() || owners[*name] != checkpoint.uid()) {
      name = UniqueName(checkpoint, taken);
      taken.insert(*name);
    }
    steps.push_back({std::move(checkpoint), *std::move(name)});
  }
  return steps;
}

// The directory's, with the digits of the state file that it came from if it is still that one.
double LastPreserved(const v1::Directory& directory) {
  const absl::Time time = TimeFrom(directory.last_preserved_time());
  if (const auto text = Annotation(directory.annotations(), kLastPreservedAnnotation)) {
    const absl::StatusOr<double> timestamp = ParseTimestamp(*text);
    if (timestamp.ok() && TimeOfTimestamp(*timestamp) == time) return *timestamp;
  }
  return SecondsOf(directory.last_preserved_time());
}

// nullopt: a state file listed it without.
std::optional<double> TimestampOf(const v1::Checkpoint& checkpoint) {
  if (const auto text = Annotation(checkpoint.annotations(), kTimestampAnnotation)) {
    if (*text == kNoTimestamp) return std::nullopt;
    if (const auto timestamp = ParseTimestamp(*text); timestamp.ok()) return *timestamp;
  }
  return SecondsOf(checkpoint.save_time());
}

formats::CheckpointState StateOf(const v1::Directory& directory,
                                 const std::vector<ExportStep>& steps) {
  formats::CheckpointState state;
  state.set_last_preserved_timestamp(LastPreserved(directory));
  state.set_model_checkpoint_path(steps.back().name);
  bool has_timestamps = false;
  for (const ExportStep& step : steps) {
    if (step.checkpoint.preserved()) continue;
    const std::optional<double> timestamp = TimestampOf(step.checkpoint);
    has_timestamps |= timestamp.has_value();
    state.add_all_model_checkpoint_paths(step.name);
    state.add_all_model_checkpoint_timestamps(timestamp.value_or(state.last_preserved_timestamp()));
  }
  if (!has_timestamps) state.clear_all_model_checkpoint_timestamps();
  return state;
}

}  // namespace

ExportPlan PlanExport(const v1::Directory& directory, std::vector<v1::Checkpoint> checkpoints) {
  ExportPlan plan;
  plan.steps = NameAll(std::move(checkpoints));
  plan.state = StateOf(directory, plan.steps);
  return plan;
}

}  // namespace cairn::cli
