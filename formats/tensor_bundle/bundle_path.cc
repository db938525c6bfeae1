#include "formats/tensor_bundle/bundle_path.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
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

// "<base>-00001-of-00004", or with question marks for the first number.
struct V1Name {
  absl::string_view base;
  int32_t shard;  // -1 for question marks
  int32_t num_shards;
};

// Numbers that printf would not write so are no shard's: "%05d".
std::optional<int32_t> ShardNumber(absl::string_view digits) {
  int32_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || absl::StrFormat("%05d", number) != digits) {
    return std::nullopt;
  }
  return number;
}

std::optional<V1Name> ParseV1Name(absl::string_view path) {
  constexpr absl::string_view kOf = "-of-";
  const size_t of = path.rfind(kOf);
  if (of == absl::string_view::npos) return std::nullopt;
  const absl::string_view before = path.substr(0, of);
  const size_t dash = before.rfind('-');
  if (dash == absl::string_view::npos) return std::nullopt;
  const std::optional<int32_t> num_shards = ShardNumber(path.substr(of + kOf.size()));
  const absl::string_view shard_text = before.substr(dash + 1);
  const std::optional<int32_t> shard =
      shard_text == "\?\?\?\?\?" ? std::optional<int32_t>(-1) : ShardNumber(shard_text);
  if (!shard.has_value() || !num_shards.has_value() || *shard >= *num_shards) return std::nullopt;
  return V1Name{before.substr(0, dash), *shard, *num_shards};
}

// One look at the file system on behalf of ResolveBundlePath; remembers where it looked in vain.
class Resolver {
 public:
  Resolver(FileSystem* file_system, const std::string& path)
      : file_system_(file_system), path_(path) {}

  absl::StatusOr<BundlePath> Resolve() {
    if (HasIndex(path_)) return Bundle(path_);
    std::string without_index = path_;
    if (absl::EndsWith(path_, kIndexSuffix)) {
      without_index.resize(path_.size() - (sizeof(kIndexSuffix) - 1));
      if (HasIndex(without_index)) return Bundle(without_index);
    }
    if (const auto prefix = PrefixOfShardPath(path_);
        prefix.has_value() && HasIndex(std::string(*prefix))) {
      return Bundle(*prefix);
    }
    if (file_system_->IsFolder(path_)) return ResolveFolder();
    if (LastPart(path_) == kCheckpointStateFile && file_system_->Exists(path_)) {
      return ResolveState(path_);
    }
    return ResolveV1(path_);
  }

 private:
  static BundlePath Bundle(absl::string_view prefix) { return Found(prefix, {}); }

  static BundlePath Found(absl::string_view prefix, std::vector<std::string> v1_files) {
    return BundlePath{std::string(prefix), NumberOfPrefix(prefix), std::move(v1_files)};
  }

  absl::StatusOr<BundlePath> ResolveFolder() {
    std::string own = InFolder(path_, "");
    if (HasIndex(own)) return Bundle(own);
    std::string variables = InFolder(path_, "variables/variables");
    if (HasIndex(variables)) return Bundle(variables);
    const std::string state = InFolder(path_, kCheckpointStateFile);
    if (Look(state)) return ResolveState(state);
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(path_));
    for (absl::string_view name : names) {
      if (absl::ConsumeSuffix(&name, kIndexSuffix)) beside_.push_back(InFolder(path_, name));
    }
    return NotFound();
  }

  absl::StatusOr<BundlePath> ResolveState(const std::string& state_path) {
    CAIRN_ASSIGN_OR_RETURN(const formats::CheckpointState state,
                           ReadCheckpointState(file_system_, state_path));
    std::string prefix = PrefixBesideState(state_path, state.model_checkpoint_path());
    if (HasIndex(prefix)) return Bundle(prefix);
    return ResolveV1(prefix);
  }

  // A V1 checkpoint is a table without the ".index", or several.
  absl::StatusOr<BundlePath> ResolveV1(const std::string& path) {
    if (const std::optional<V1Name> name = ParseV1Name(path); name.has_value()) {
      CAIRN_ASSIGN_OR_RETURN(const ShardSets sets, FindShards(name->base));
      const auto found = sets.find(name->num_shards);
      if (found != sets.end()) return WithAllShards(name->base, found->first, found->second);
    }
    if (Look(path)) {
      CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<RandomReadFile> file,
                             file_system_->OpenForRead(path));
      if (LooksLikeIndexTable(*file)) return Found(path, {path});
    }
    CAIRN_ASSIGN_OR_RETURN(const ShardSets sets, FindShards(path));
    if (sets.empty()) return NotFound();
    if (sets.size() == 1) return WithAllShards(path, sets.begin()->first, sets.begin()->second);
    std::vector<std::string> choices;
    for (const auto& [num_shards, files] : sets) choices.push_back(files.begin()->second);
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
                     absl::StrCat(path, " means more than one V1 checkpoint; give one of ",
                                  absl::StrJoin(choices, ", ")),
                     {{"path", path}});
  }

  // By how many a checkpoint has: its files that are there, by number.
  using ShardSets = std::map<int32_t, std::map<int32_t, std::string>>;

  absl::StatusOr<ShardSets> FindShards(absl::string_view base) {
    ShardSets sets;
    const absl::string_view base_name = LastPart(base);
    const absl::string_view folder = base.substr(0, base.size() - base_name.size());
    looked_for_.push_back(absl::StrCat(base, "-\?\?\?\?\?-of-\?\?\?\?\?"));
    const std::string listed(folder.empty() ? "." : folder);
    if (base_name.empty() || !file_system_->IsFolder(listed)) return sets;
    CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_->ListFolder(listed));
    for (const std::string& name : names) {
      const std::optional<V1Name> parsed = ParseV1Name(name);
      if (!parsed.has_value() || parsed->base != base_name || parsed->shard < 0) continue;
      sets[parsed->num_shards].emplace(parsed->shard, absl::StrCat(folder, name));
    }
    return sets;
  }

  static absl::StatusOr<BundlePath> WithAllShards(absl::string_view base, int32_t num_shards,
                                                  const std::map<int32_t, std::string>& files) {
    std::vector<std::string> paths;
    for (const auto& [shard, path] : files) {
      if (shard != static_cast<int32_t>(paths.size())) break;
      paths.push_back(path);
    }
    if (static_cast<int32_t>(paths.size()) == num_shards) return Found(base, std::move(paths));
    const std::string missing = absl::StrFormat("%s-%05d-of-%05d", base, paths.size(), num_shards);
    return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kNotFound,
                     absl::StrCat("cannot read the V1 checkpoint ", base, ": of its ", num_shards,
                                  " files ", missing, " is missing"),
                     {{"path", missing}});
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
  return Resolver(file_system, path).Resolve();
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
