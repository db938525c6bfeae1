// From what people type to the prefix of a TensorFlow checkpoint.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_PATH_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_PATH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn {

struct BundlePath {
  std::string prefix;             // "<prefix>.index" exists; may end in "/"
  std::optional<int64_t> number;  // 7 for "runs/ckpt-7"
  // Of a checkpoint in the format before bundles (V1), which has no index: its files, in order of
  // their numbers. Either `prefix` itself or all of "<prefix>-?????-of-NNNNN".
  std::vector<std::string> v1_files;

  bool is_v1() const { return !v1_files.empty(); }
};

// The checkpoint that `path` means: a prefix; one of its `.index` or `.data-?????-of-?????` files;
// a folder that holds files named just so (".index"), a SavedModel, or a `checkpoint` state file,
// whose latest checkpoint it is then; or that state file. Paths in a state file are looked up
// beside it by their last part, so that a folder may have moved. Where there is no `.index`: a V1
// file, one of its shards "<prefix>-?????-of-NNNNN", the prefix of shards, or that pattern with its
// question marks, by which state files name them. Errors: kNotFound with ERROR_REASON_BAD_FILE (no
// checkpoint, listing what was looked for; a V1 shard is missing, naming it), kInvalidArgument (one
// prefix of two sets of V1 shards), those of ReadCheckpointState.
absl::StatusOr<BundlePath> ResolveBundlePath(FileSystem* file_system, const std::string& path);

// The number N at the end ("-N") of the last part of a prefix; leading zeros are padding. nullopt:
// there is none, it is negative ("ckpt--5") or more than int64 holds.
std::optional<int64_t> NumberOfPrefix(absl::string_view prefix);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_BUNDLE_PATH_H_
