#include "client/cli/writer_share.h"

#include <cstddef>

#include "absl/numeric/int128.h"
#include "base/error.h"

namespace cairn::cli {
namespace {

// A slice without bytes weighs something too, so that a checkpoint of them is divided.
absl::int128 WeightOf(const SliceToSave& slice) { return absl::int128(slice.bytes_count) + 1; }

}  // namespace

absl::Span<const SliceToSave> ShareOf(absl::Span<const SliceToSave> slices, int writers,
                                      int writer) {
  CAIRN_CHECK(0 <= writer && writer < writers);
  absl::int128 total = 0;
  for (const SliceToSave& slice : slices) total += WeightOf(slice);
  size_t begin = slices.size();
  size_t end = slices.size();
  absl::int128 before = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    // A slice belongs to the writer in whose part of the weight its middle lies.
    const absl::int128 middle = 2 * before + WeightOf(slices[i]);
    if (begin == slices.size() && middle * writers >= 2 * total * writer) begin = i;
    if (middle * writers >= 2 * total * (writer + 1)) {
      end = i;
      break;
    }
    before += WeightOf(slices[i]);
  }
  return slices.subspan(begin, end < begin ? 0 : end - begin);
}

}  // namespace cairn::cli
