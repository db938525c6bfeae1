#include "formats/tensor_bundle/shard_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

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

std::vector<int32_t> ShardCountsWith(FileSystem* file_system, absl::string_view prefix,
                                     const std::set<int32_t>& shards) {
  const size_t slash = prefix.rfind('/');
  const bool in_folder = slash != absl::string_view::npos;
  const absl::string_view name = in_folder ? prefix.substr(slash + 1) : prefix;
  const absl::StatusOr<std::vector<std::string>> listed =
      file_system->ListFolder(in_folder ? std::string(prefix.substr(0, slash + 1)) : ".");
  if (!listed.ok()) return {};
  std::set<std::string> files;
  std::set<int32_t> counts;
  for (const std::string& file : *listed) {
    int32_t count = 0;
    if (PrefixOfShardPath(file) != name) continue;
    if (absl::SimpleAtoi(file.substr(file.rfind('-') + 1), &count)) counts.insert(count);
    files.insert(file);
  }
  std::vector<int32_t> whole;
  for (const int32_t count : counts) {
    if (std::all_of(shards.begin(), shards.end(),
                    [&](int32_t shard) { return files.contains(ShardPath(name, shard, count)); })) {
      whole.push_back(count);
    }
  }
  return whole;
}

ShardFiles::ShardFiles(FileSystem* file_system, std::string prefix, int32_t num_shards)
    : prefix_(std::move(prefix)), num_shards_(num_shards), files_(file_system) {}

absl::StatusOr<std::shared_ptr<RandomReadFile>> ShardFiles::Open(int32_t shard) {
  return files_.Open(ShardPath(prefix_, shard, num_shards_));
}

}  // namespace cairn
