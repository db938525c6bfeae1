#include "formats/tensor_bundle/shard_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"

namespace cairn {
namespace {

// Of a shard or of their number: five digits, or more above 99999.
bool IsShardNumber(absl::string_view text) {
  constexpr size_t kMinDigits = 5;
  return text.size() >= kMinDigits && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

std::string ShardPath(absl::string_view prefix, int32_t shard, int32_t num_shards) {
  return absl::StrFormat("%s.data-%05d-of-%05d", prefix, shard, num_shards);
}

std::optional<absl::string_view> PrefixOfShardPath(absl::string_view path) {
  constexpr absl::string_view kData = ".data-";
  constexpr absl::string_view kOf = "-of-";
  const size_t data = path.rfind(kData);
  if (data == absl::string_view::npos) return std::nullopt;
  const absl::string_view numbers = path.substr(data + kData.size());
  const size_t of = numbers.find(kOf);
  if (of == absl::string_view::npos || !IsShardNumber(numbers.substr(0, of)) ||
      !IsShardNumber(numbers.substr(of + kOf.size()))) {
    return std::nullopt;
  }
  return path.substr(0, data);
}

ShardFiles::ShardFiles(FileSystem* file_system, std::string prefix, int32_t num_shards)
    : file_system_(file_system), prefix_(std::move(prefix)), num_shards_(num_shards) {}

absl::StatusOr<std::shared_ptr<RandomReadFile>> ShardFiles::Open(int32_t shard) {
  MutexLock lock(&mutex_);
  if (const auto found = open_.find(shard); found != open_.end()) return found->second;
  CAIRN_ASSIGN_OR_RETURN(std::shared_ptr<RandomReadFile> file,
                         file_system_->OpenForRead(ShardPath(prefix_, shard, num_shards_)));
  if (opened_order_.size() == kMaxOpen) {
    open_.erase(opened_order_.front());
    opened_order_.pop_front();
  }
  open_.emplace(shard, file);
  opened_order_.push_back(shard);
  return file;
}

}  // namespace cairn
