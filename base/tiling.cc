#include "base/tiling.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace cairn {
namespace {

// A box of the tensor, and the boxes that reach into it.
struct Region {
  Box box;
  std::vector<size_t> inside;
};

// A plane between index `at` - 1 and `at` of a dimension.
struct Cut {
  int dimension = 0;
  int64_t at = 0;
};

int64_t End(const Box& box, int dimension) { return box.start[dimension] + box.length[dimension]; }

// Divides the tensor along edges of the boxes until what is in a region can be told at a glance.
class TilingSearch {
 public:
  explicit TilingSearch(absl::Span<const Box> boxes) : boxes_(boxes) {}

  TilingFaults Run(absl::Span<const int64_t> shape) {
    Region whole{WholeBox(shape), {}};
    if (Volume(whole.box) == 0) return {};
    for (size_t i = 0; i < boxes_.size(); ++i) {
      if (Volume(boxes_[i]) > 0) whole.inside.push_back(i);
    }
    std::vector<Region> open;
    open.push_back(std::move(whole));
    while (!open.empty() && !faults_.overlap) {
      const Region region = std::move(open.back());
      open.pop_back();
      if (IsSettled(region)) continue;
      const Cut cut = BestCut(region);
      // The lower half comes next, so that faults are found in the order of the elements.
      open.push_back(Half(region, cut, /*upper=*/true));
      open.push_back(Half(region, cut, /*upper=*/false));
    }
    return std::move(faults_);
  }

 private:
  // Few enough to compare each with each.
  static constexpr size_t kFew = 8;

  // Whether nothing is left to find in the region; notes the fault that was found.
  bool IsSettled(const Region& region) {
    if (region.inside.empty()) {
      if (!faults_.hole) faults_.hole = region.box;
      return true;
    }
    if (region.inside.size() > kFew) {
      for (size_t i : region.inside) {
        if (!Contains(boxes_[i], region.box)) continue;
        NoteOverlap(i, i == region.inside[0] ? region.inside[1] : region.inside[0]);
        return true;
      }
      return false;
    }
    if (FindOverlapAmong(region.inside)) return true;
    return faults_.hole || IsFull(region);
  }

  bool FindOverlapAmong(const std::vector<size_t>& indices) {
    for (size_t a = 0; a < indices.size(); ++a) {
      for (size_t b = a + 1; b < indices.size(); ++b) {
        if (!Intersect(boxes_[indices[a]], boxes_[indices[b]])) continue;
        NoteOverlap(indices[a], indices[b]);
        return true;
      }
    }
    return false;
  }

  void NoteOverlap(size_t a, size_t b) { faults_.overlap = std::minmax(a, b); }

  // Requires: no two boxes in the region overlap, so that the sum cannot pass the region's volume.
  bool IsFull(const Region& region) const {
    int64_t rest = Volume(region.box);
    for (size_t i : region.inside) rest -= Volume(*Intersect(boxes_[i], region.box));
    return rest == 0;
  }

  // The median edge of the dimension where it leaves the smaller halves. There is an edge:
  // otherwise every box contains the region, which IsSettled sees.
  Cut BestCut(const Region& region) {
    std::optional<Cut> best;
    size_t best_cost = 0;
    for (int d = 0; d < region.box.rank(); ++d) {
      edges_.clear();
      for (size_t i : region.inside) {
        for (int64_t edge : {boxes_[i].start[d], End(boxes_[i], d)}) {
          if (edge > region.box.start[d] && edge < End(region.box, d)) edges_.push_back(edge);
        }
      }
      if (edges_.empty()) continue;
      const auto median = edges_.begin() + edges_.size() / 2;
      std::nth_element(edges_.begin(), median, edges_.end());
      const Cut cut{d, *median};
      const size_t cost = CostOf(region, cut);
      if (best && cost >= best_cost) continue;
      best = cut;
      best_cost = cost;
    }
    CAIRN_CHECK(best);
    return *best;
  }

  // The larger half, and what is in both.
  size_t CostOf(const Region& region, const Cut& cut) const {
    size_t lower = 0;
    size_t upper = 0;
    for (size_t i : region.inside) {
      lower += boxes_[i].start[cut.dimension] < cut.at;
      upper += End(boxes_[i], cut.dimension) > cut.at;
    }
    return std::max(lower, upper) + (lower + upper - region.inside.size());
  }

  Region Half(const Region& region, const Cut& cut, bool upper) const {
    Region half{region.box, {}};
    const int d = cut.dimension;
    const int64_t end = upper ? End(region.box, d) : cut.at;
    if (upper) half.box.start[d] = cut.at;
    half.box.length[d] = end - half.box.start[d];
    for (size_t i : region.inside) {
      const bool reaches = upper ? End(boxes_[i], d) > cut.at : boxes_[i].start[d] < cut.at;
      if (reaches) half.inside.push_back(i);
    }
    return half;
  }

  const absl::Span<const Box> boxes_;
  TilingFaults faults_;
  std::vector<int64_t> edges_;  // only to reuse its memory
};

}  // namespace

TilingFaults FindTilingFaults(absl::Span<const int64_t> shape, absl::Span<const Box> boxes) {
  return TilingSearch(boxes).Run(shape);
}

}  // namespace cairn
