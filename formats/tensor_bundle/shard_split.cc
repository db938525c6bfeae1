#include "formats/tensor_bundle/shard_split.h"

#include <algorithm>
#include <numeric>

namespace cairn {

std::vector<size_t> SplitEvenly(absl::Span<const int64_t> slice_bytes, int shards) {
  const int64_t total = std::accumulate(slice_bytes.begin(), slice_bytes.end(), int64_t{0});
  const size_t count = std::min<size_t>(shards, std::max<size_t>(slice_bytes.size(), 1));
  std::vector<size_t> begins = {0};
  size_t next = 0;
  int64_t before = 0;  // bytes of the slices before `next`
  while (begins.size() < count) {
    const int64_t files = static_cast<int64_t>(count);
    const int64_t done = static_cast<int64_t>(begins.size());
    const int64_t share = total / files * done + total % files * done / files;
    // Each file that is to come needs a slice.
    const size_t last = slice_bytes.size() - (count - begins.size());
    do {
      before += slice_bytes[next++];
    } while (next < last && share - before >= slice_bytes[next] - slice_bytes[next] / 2);
    begins.push_back(next);
  }
  return begins;
}

std::vector<size_t> SplitByLimit(absl::Span<const int64_t> slice_bytes, int64_t max_bytes) {
  std::vector<size_t> begins = {0};
  int64_t file_bytes = 0;
  for (size_t i = 0; i < slice_bytes.size(); ++i) {
    if (i > begins.back() && slice_bytes[i] > max_bytes - file_bytes) {
      begins.push_back(i);
      file_bytes = 0;
    }
    file_bytes += slice_bytes[i];
  }
  return begins;
}

}  // namespace cairn
