// How the slices of a bundle, in the order of its data, are divided among data files.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_SPLIT_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace cairn {

// Both return the first slice of each data file: ascending, the first is 0. There is always one
// file, and never one without a slice but for that. Require: no size is negative, all together do
// not overflow.

// `shards` (at least 1) files of about equal size, fewer if there are fewer slices: each cut is
// where the bytes before it are nearest to its share.
std::vector<size_t> SplitEvenly(absl::Span<const int64_t> slice_bytes, int shards);

// A new file begins when the next slice would make the last one pass `max_bytes`: a slice that is
// larger stands alone.
std::vector<size_t> SplitByLimit(absl::Span<const int64_t> slice_bytes, int64_t max_bytes);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_SHARD_SPLIT_H_
