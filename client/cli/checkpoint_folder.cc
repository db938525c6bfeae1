#include "client/cli/checkpoint_folder.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/checkpoint_state/checkpoint_state.h"
#include "formats/tensor_bundle/bundle_path.h"
#include "formats/tensor_bundle/index_table.h"

namespace cairn::cli {
namespace {

constexpr char kIndexSuffix[] = ".index";
constexpr char kKerasSuffix[] = ".ckpt";
// How a state file names a V1 checkpoint of several files.
constexpr char kAnyShard[] = "\?\?\?\?\?";

constexpr double kMinTimestamp = -62135596800;  // the years 1 to 9999
constexpr double kMaxTimestamp = 253402300799;
constexpr int64_t kStepBytes = int64_t{1} << 20;

absl::Status BadFolder(absl::StatusCode code, const std::string& folder, absl::string_view what) {
  const std::string text = KeyTextFromBytes(folder);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, code,
                   absl::StrCat("cannot read the checkpoints of ", text, ": ", what),
                   {{"path", text}});
}

absl::Status CheckTimestamp(const std::string& folder, absl::string_view whose, double timestamp) {
  if (timestamp >= kMinTimestamp && timestamp <= kMaxTimestamp) return absl::OkStatus();
  return BadFolder(absl::StatusCode::kInvalidArgument, folder,
                   absl::StrCat("its state file has ", PrintTimestamp(timestamp), " for ",
                                KeyTextFromBytes(whose),
                                ", which is no time in seconds since 1970; correct it"));
}

// What the state file says of one name.
struct Listed {
  std::string recorded;
  std::string name;
  std::optional<double> timestamp;
};

class FolderReader {
 public:
  FolderReader(FileSystem* file_system, const std::string& folder)
      : file_system_(file_system), folder_(folder) {}

  absl::StatusOr<CheckpointFolder> Read() {
    if (!file_system_->IsFolder(folder_)) {
      return BadFolder(absl::StatusCode::kInvalidArgument, folder_,
                       "it is no folder; give the one with the `checkpoint` file");
    }
    CAIRN_ASSIGN_OR_RETURN(const std::vector<Listed> listed, ReadState());
    CAIRN_RETURN_IF_ERROR(AddUnlisted(listed));
    for (const Listed& entry : listed) CAIRN_RETURN_IF_ERROR(AddListed(entry));
    return std::move(result_);
  }

 private:
  std::string PathOf(absl::string_view name) const {
    return absl::StrCat(folder_, absl::EndsWith(folder_, "/") ? "" : "/", name);
  }

  // A state file may hold anything.
  static bool IsFileName(const std::string& name) {
    return !name.empty() && name.find('\0') == std::string::npos && name != kCheckpointStateFile;
  }

  bool IsFile(const std::string& path) const {
    return file_system_->Exists(path) && !file_system_->IsFolder(path);
  }

  // In the order of the state file, each name once.
  absl::StatusOr<std::vector<Listed>> ReadState() {
    const std::string path = PathOf(kCheckpointStateFile);
    if (!IsFile(path)) return std::vector<Listed>();
    CAIRN_ASSIGN_OR_RETURN(const formats::CheckpointState state,
                           ReadCheckpointState(file_system_, path));
    result_.has_state = true;
    result_.last_preserved = state.last_preserved_timestamp();
    CAIRN_RETURN_IF_ERROR(
        CheckTimestamp(folder_, "last_preserved_timestamp", result_.last_preserved));
    std::vector<Listed> listed;
    for (int i = 0; i < state.all_model_checkpoint_paths_size(); ++i) {
      Listed entry = ListedAs(state.all_model_checkpoint_paths(i));
      if (state.all_model_checkpoint_timestamps_size() > 0) {
        entry.timestamp = state.all_model_checkpoint_timestamps(i);
        CAIRN_RETURN_IF_ERROR(CheckTimestamp(folder_, entry.name, *entry.timestamp));
      }
      listed.push_back(std::move(entry));
    }
    KeepLastOfEachName(&listed);
    CAIRN_RETURN_IF_ERROR(CheckLatest(ListedAs(state.model_checkpoint_path()), &listed));
    return listed;
  }

  static Listed ListedAs(const std::string& recorded) {
    return {recorded, std::string(RecordedName(recorded)), std::nullopt};
  }

  static void KeepLastOfEachName(std::vector<Listed>* listed) {
    std::set<std::string> seen;
    std::vector<Listed> kept;
    for (auto it = listed->rbegin(); it != listed->rend(); ++it) {
      if (seen.insert(it->name).second) kept.push_back(*it);
    }
    std::reverse(kept.begin(), kept.end());
    *listed = std::move(kept);
  }

  // What is committed last is the directory's latest, so the list must end with TensorFlow's.
  absl::Status CheckLatest(const Listed& latest, std::vector<Listed>* listed) const {
    if (!listed->empty() && listed->back().name == latest.name) return absl::OkStatus();
    const auto it = std::find_if(listed->begin(), listed->end(),
                                 [&](const Listed& entry) { return entry.name == latest.name; });
    if (it == listed->end()) {
      listed->push_back(latest);
      return absl::OkStatus();
    }
    return BadFolder(
        absl::StatusCode::kFailedPrecondition, folder_,
        absl::StrCat("its state file says that ", KeyTextFromBytes(latest.name),
                     " is the latest, yet lists ", KeyTextFromBytes(listed->back().name),
                     " after it; in a directory the latest is the one that came last, so move the "
                     "entry (and its timestamp) to the end of the list, or name the last one as "
                     "model_checkpoint_path"));
  }

  absl::Status AddListed(const Listed& entry) {
    FolderCheckpoint checkpoint;
    checkpoint.listed = true;
    checkpoint.timestamp = entry.timestamp;
    if (!IsFileName(entry.name) || !Find(entry.name, &checkpoint)) {
      result_.missing.push_back(entry.name.empty() ? entry.recorded : entry.name);
      return absl::OkStatus();
    }
    CAIRN_RETURN_IF_ERROR(SetTime(&checkpoint));
    result_.checkpoints.push_back(std::move(checkpoint));
    return absl::OkStatus();
  }

  absl::Status AddUnlisted(const std::vector<Listed>& listed) {
    std::set<std::string> known;
    for (const Listed& entry : listed) known.insert(std::string(NameWithoutShards(entry.name)));
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> files, file_system_->ListFolder(folder_));
    for (const std::string& file : files) {
      const std::string name = NameOfFile(file);
      FolderCheckpoint checkpoint;
      if (name.empty() || !known.insert(name).second || !Find(name, &checkpoint)) continue;
      CAIRN_RETURN_IF_ERROR(SetTime(&checkpoint));
      result_.checkpoints.push_back(std::move(checkpoint));
    }
    std::stable_sort(
        result_.checkpoints.begin(), result_.checkpoints.end(),
        [](const FolderCheckpoint& a, const FolderCheckpoint& b) { return a.time < b.time; });
    return absl::OkStatus();
  }

  // Of the checkpoint that a file of this name may be of; empty: of none.
  std::string NameOfFile(absl::string_view file) const {
    absl::string_view name = file;
    if (absl::ConsumeSuffix(&name, kIndexSuffix)) return std::string(name);
    // Data files, and what was left unfinished.
    for (const char* other : {kIndexSuffix, ".data-", ".tempstate"}) {
      if (absl::StrContains(file, other)) return "";
    }
    return IsTable(PathOf(file)) ? std::string(NameWithoutShards(file)) : "";
  }

  // Whether there is a checkpoint `recorded`, as far as its name, number and files tell.
  bool Find(absl::string_view recorded, FolderCheckpoint* checkpoint) const {
    checkpoint->name = std::string(NameWithoutShards(recorded));
    checkpoint->path = PathOf(recorded);
    checkpoint->number = NumberOfName(recorded);
    const std::string index = absl::StrCat(checkpoint->path, kIndexSuffix);
    if (IsFile(index)) {
      checkpoint->files = {index};
      return true;
    }
    if (file_system_->IsFolder(checkpoint->path)) return false;
    absl::StatusOr<BundlePath> found = ResolveBundlePath(file_system_, checkpoint->path);
    if (!found.ok() || !found->is_v1() || !IsTable(found->v1_files.front())) return false;
    checkpoint->files = std::move(found->v1_files);
    return true;
  }

  bool IsTable(const std::string& path) const {
    if (!IsFile(path)) return false;
    const absl::StatusOr<std::unique_ptr<RandomReadFile>> file = file_system_->OpenForRead(path);
    return file.ok() && LooksLikeIndexTable(**file);
  }

  absl::Status SetTime(FolderCheckpoint* checkpoint) const {
    if (checkpoint->timestamp.has_value()) {
      checkpoint->time = TimeOfTimestamp(*checkpoint->timestamp);
      return absl::OkStatus();
    }
    CAIRN_ASSIGN_OR_RETURN(checkpoint->time, file_system_->ModifiedTime(checkpoint->files.front()));
    return absl::OkStatus();
  }

  FileSystem* const file_system_;
  const std::string folder_;
  CheckpointFolder result_;
};

}  // namespace

absl::string_view NameWithoutShards(absl::string_view name) {
  constexpr size_t kDigits = 5;
  constexpr absl::string_view kOf = "-of-";
  constexpr size_t kLength = 1 + kDigits + kOf.size() + kDigits;
  if (name.size() <= kLength) return name;
  const absl::string_view tail = name.substr(name.size() - kLength);
  const absl::string_view which = tail.substr(1, kDigits);
  const absl::string_view count = tail.substr(kLength - kDigits);
  const auto digits = [](absl::string_view text) {
    return std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  };
  const bool matches = tail.front() == '-' && tail.substr(1 + kDigits, kOf.size()) == kOf &&
                       digits(count) && (which == kAnyShard || digits(which));
  return matches ? name.substr(0, name.size() - kLength) : name;
}

std::optional<int64_t> NumberOfName(absl::string_view name) {
  name = NameWithoutShards(name);
  absl::ConsumeSuffix(&name, kKerasSuffix);
  return NumberOfPrefix(name);
}

absl::Time TimeOfTimestamp(double timestamp) {
  return absl::FromUnixMicros(std::llround(timestamp * 1e6));
}

absl::StatusOr<CheckpointFolder> ReadCheckpointFolder(FileSystem* file_system,
                                                      const std::string& folder) {
  return FolderReader(file_system, folder).Read();
}

absl::StatusOr<std::string> ContentMark(FileSystem* file_system,
                                        const std::vector<std::string>& files) {
  std::vector<std::string> marks;
  for (const std::string& path : files) {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                           file_system->OpenForRead(path));
    uint32_t sum = 0;
    std::string buffer;
    for (int64_t offset = 0; offset < file->size_bytes(); offset += kStepBytes) {
      buffer.resize(std::min(kStepBytes, file->size_bytes() - offset));
      CAIRN_RETURN_IF_ERROR(file->Read(offset, absl::MakeSpan(buffer)));
      sum = ExtendCrc32c(sum, buffer);
    }
    marks.push_back(absl::StrFormat("%d-%08x", file->size_bytes(), sum));
  }
  // Annotations are short, whatever the number of files.
  const std::string all = absl::StrJoin(marks, " ");
  if (marks.size() == 1) return all;
  return absl::StrFormat("%d files-%08x", marks.size(), Crc32c(all));
}

}  // namespace cairn::cli
