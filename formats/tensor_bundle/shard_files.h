// The data files of a bundle, by number.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/open_files.h"

namespace cairn {

// "<prefix>.data-00003-of-00016".
std::string ShardPath(absl::string_view prefix, int32_t shard, int32_t num_shards);

// The prefix of the bundle whose data file `path` is, by its name; nullopt if it is none's.
std::optional<absl::string_view> PrefixOfShardPath(absl::string_view path);

// How many data files a bundle of `prefix` may have, by the names of the files that are there:
// each number, ascending, for which all of `shards` are.
std::vector<int32_t> ShardCountsWith(FileSystem* file_system, absl::string_view prefix,
                                     const std::set<int32_t>& shards);

// Thread-safe.
class ShardFiles {
 public:
  // `file_system` must outlive this.
  ShardFiles(FileSystem* file_system, std::string prefix, int32_t num_shards);

  // The data file, as OpenFiles has it. Errors: kNotFound (naming it), those of FileSystem.
  absl::StatusOr<std::shared_ptr<RandomReadFile>> Open(int32_t shard);

 private:
  const std::string prefix_;
  const int32_t num_shards_;
  OpenFiles files_;
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_
