#include "formats/tensor_bundle/bundle_path.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "formats/checkpoint_state/checkpoint_state.h"
#include "formats/tensor_bundle/index_table.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn {
namespace {

constexpr char kIndexSuffix[] = ".index";

absl::string_view LastPart(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string InFolder(absl::string_view folder, absl::string_view name) {
  return absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", name);
}

absl::Status V1NotYet(absl::string_view path) {
  return MakeError(
      ErrorReason::ERROR_REASON_NOT_YET, absl::StatusCode::kUnimplemented,
      absl::StrCat("cannot read ", path,
                   ": V1 checkpoint files cannot be read yet; load it with TensorFlow and "
                   "save it again as V2"),
      {{"feature", "V1 checkpoints"}, {"path", path}});
}

// One look at the file system on behalf of ResolveBundlePath; remembers where it looked in vain.
class Resolver {
 public:
  Resolver(FileSystem* file_system, const std::string& path)
      : file_system_(file_system), path_(path) {}

  absl::StatusOr<std::string> Resolve() {
    if (HasIndex(path_)) return path_;
    std::string without_index = path_;
    if (absl::EndsWith(path_, kIndexSuffix)) {
      without_index.resize(path_.size() - (sizeof(kIndexSuffix) - 1));
      if (HasIndex(without_index)) return without_index;
    }
    if (const auto prefix = PrefixOfShardPath(path_);
        prefix.has_value() && HasIndex(std::string(*prefix))) {
      return std::string(*prefix);
    }
    if (file_system_->IsFolder(path_)) return ResolveFolder();
    if (LastPart(path_) == kCheckpointStateFile && file_system_->Exists(path_)) {
      return ResolveState(path_);
    }
    CAIRN_RETURN_IF_ERROR(CheckNotV1(path_));
    return NotFound();
  }

 private:
  absl::StatusOr<std::string> ResolveFolder() {
    std::string own = InFolder(path_, "");
    if (HasIndex(own)) return own;
    std::string variables = InFolder(path_, "variables/variables");
    if (HasIndex(variables)) return variables;
    const std::string state = InFolder(path_, kCheckpointStateFile);
    if (Look(state)) return ResolveState(state);
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(path_));
    for (absl::string_view name : names) {
      if (absl::ConsumeSuffix(&name, kIndexSuffix)) beside_.push_back(InFolder(path_, name));
    }
    return NotFound();
  }

  absl::StatusOr<std::string> ResolveState(const std::string& state_path) {
    CAIRN_ASSIGN_OR_RETURN(const formats::CheckpointState state,
                           ReadCheckpointState(file_system_, state_path));
    std::string prefix = PrefixBesideState(state_path, state.model_checkpoint_path());
    if (HasIndex(prefix)) return prefix;
    CAIRN_RETURN_IF_ERROR(CheckNotV1(prefix));
    return NotFound();
  }

  // A V1 checkpoint is a table without the ".index", or several named "<prefix>-?????-of-?????",
  // which start at 0; a state file may name them by that very pattern.
  absl::Status CheckNotV1(const std::string& prefix) {
    const std::string first = absl::StrReplaceAll(prefix, {{"\?\?\?\?\?", "00000"}});
    for (const std::string& path : {first, absl::StrCat(prefix, "-00000-of-00001")}) {
      if (!file_system_->Exists(path) || file_system_->IsFolder(path)) continue;
      CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                             file_system_->OpenForRead(path));
      if (LooksLikeIndexTable(*file)) return V1NotYet(path);
    }
    return absl::OkStatus();
  }

  bool HasIndex(const std::string& prefix) { return Look(absl::StrCat(prefix, kIndexSuffix)); }

  bool Look(std::string path) {
    if (file_system_->Exists(path) && !file_system_->IsFolder(path)) return true;
    looked_for_.push_back(std::move(path));
    return false;
  }

  absl::Status NotFound() const {
    const std::string advice =
        beside_.empty() ? "give a prefix such as runs/ckpt-7, one of its files, or its folder"
                        : absl::StrCat("no state file says which is the latest; give one of ",
                                       absl::StrJoin(beside_, ", "));
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kNotFound,
                     absl::StrCat("no TensorFlow checkpoint at ", path_, ": looked for ",
                                  absl::StrJoin(looked_for_, ", "), "; ", advice),
                     {{"path", path_}});
  }

  FileSystem* const file_system_;
  const std::string path_;
  std::vector<std::string> looked_for_;
  std::vector<std::string> beside_;  // prefixes of checkpoints in the folder
};

}  // namespace

absl::StatusOr<BundlePath> ResolveBundlePath(FileSystem* file_system, const std::string& path) {
  if (path.empty()) return InvalidField("path", "is empty; give a checkpoint's prefix or folder");
  CAIRN_ASSIGN_OR_RETURN(std::string prefix, Resolver(file_system, path).Resolve());
  const std::optional<int64_t> number = NumberOfPrefix(prefix);
  return BundlePath{std::move(prefix), number};
}

std::optional<int64_t> NumberOfPrefix(absl::string_view prefix) {
  const absl::string_view name = LastPart(prefix);
  const size_t dash = name.rfind('-');
  if (dash == absl::string_view::npos || (dash > 0 && name[dash - 1] == '-')) return std::nullopt;
  const absl::string_view digits = name.substr(dash + 1);
  int64_t number = 0;
  // SimpleAtoi also takes signs and spaces.
  if (digits.empty() || !absl::ascii_isdigit(digits.front()) ||
      !absl::SimpleAtoi(digits, &number) || !absl::ascii_isdigit(digits.back())) {
    return std::nullopt;
  }
  return number;
}

}  // namespace cairn
