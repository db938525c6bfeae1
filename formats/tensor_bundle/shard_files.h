// The data files of a bundle, opened when they are needed and few at a time: a checkpoint may have
// more of them than a process may have descriptors.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/mutex.h"

namespace cairn {

// "<prefix>.data-00003-of-00016".
std::string ShardPath(absl::string_view prefix, int32_t shard, int32_t num_shards);

// The prefix of the bundle whose data file `path` is, by its name; nullopt if it is none's.
std::optional<absl::string_view> PrefixOfShardPath(absl::string_view path);

// Thread-safe.
class ShardFiles {
 public:
  static constexpr size_t kMaxOpen = 64;

  // `file_system` must outlive this.
  ShardFiles(FileSystem* file_system, std::string prefix, int32_t num_shards);

  // The data file, which stays open while it is one of the last kMaxOpen opened or anyone holds it.
  // Errors: kNotFound (naming it), those of FileSystem.
  absl::StatusOr<std::shared_ptr<RandomReadFile>> Open(int32_t shard);

 private:
  FileSystem* const file_system_;
  const std::string prefix_;
  const int32_t num_shards_;
  Mutex mutex_;
  std::map<int32_t, std::shared_ptr<RandomReadFile>> open_ CAIRN_GUARDED_BY(mutex_);
  std::deque<int32_t> opened_order_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_FILES_H_
