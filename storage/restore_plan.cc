#include "storage/restore_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/delivery.h"
#include "storage/manifest.h"
#include "storage/row_scanner.h"
#include "storage/tensor_list.h"

namespace cairn::storage {
namespace {

// Follows the selected rows, tensor by tensor.
class Planner {
 public:
  explicit Planner(const Selection& selection)
      : selection_(selection), matched_(selection.size(), false) {}

  absl::Status Add(const Row& row) {
    CAIRN_ASSIGN_OR_RETURN(SliceRow slice, ParseSliceRow(row));
    const bool first_of_tensor = TensorPrefix(row.key) != tensor_prefix_;
    if (first_of_tensor) {
      CAIRN_RETURN_IF_ERROR(EndTensor());
      tensor_prefix_ = std::string(TensorPrefix(row.key));
      BeginTensor(slice);
    }
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Delivery> delivery,
                           PlanDelivery(std::move(slice), *selector_, first_of_tensor));
    if (!delivery) return absl::OkStatus();
    needs_slice_ = false;
    cuts_.Add(row.key, delivery->bytes);
    return absl::OkStatus();
  }

  absl::Status EndTensor() const {
    if (!needs_slice_) return absl::OkStatus();
    return InvalidField("slice",
                        absl::StrCat("of ", key_,
                                     " is not one that was saved; a tensor whose elements "
                                     "have no fixed width is read whole or by a stored slice"));
  }

  const std::vector<bool>& matched() const { return matched_; }

  RestorePlan Result(int streams) const {
    return {tensor_count_, cuts_.total_bytes(), cuts_.Cuts(streams)};
  }

 private:
  void BeginTensor(const SliceRow& first) {
    key_ = first.key.key;
    selector_ = selection_.Find(first.key.kind, key_);
    CAIRN_CHECK(selector_ != nullptr);
    needs_slice_ = MustMatchASlice(first, *selector_);
    selection_.Mark(first.key.kind, key_, &matched_);
    ++tensor_count_;
  }

  const Selection& selection_;
  std::vector<bool> matched_;
  std::string tensor_prefix_;
  std::string key_;
  const Selector* selector_ = nullptr;
  bool needs_slice_ = false;  // and none was found so far
  int64_t tensor_count_ = 0;
  CutSampler cuts_;
};

}  // namespace

void CutSampler::Add(const std::string& row_key, int64_t bytes) {
  // Only where bytes flow: so no cut falls between the rows of a tensor that is told of by one
  // empty part.
  for (int64_t sent = 0; sent < bytes;) {
    const int64_t before = total_bytes_ + sent;
    const int64_t due = samples_.empty() ? 0 : samples_.back().before + distance_;
    if (before >= due) {
      samples_.push_back({{row_key, sent}, before});
      if (samples_.size() > kMaxSamples) Thin();
      sent += kPieceBytes;
    } else {
      sent += (due - before + kPieceBytes - 1) / kPieceBytes * kPieceBytes;
    }
  }
  total_bytes_ += bytes;
}

void CutSampler::Thin() {
  distance_ *= 2;
  size_t kept = 1;
  for (size_t i = 1; i < samples_.size(); ++i) {
    if (samples_[i].before - samples_[kept - 1].before < distance_) continue;
    if (kept != i) samples_[kept] = std::move(samples_[i]);
    ++kept;
  }
  samples_.resize(kept);
}

std::vector<StreamPosition> CutSampler::Cuts(int streams) const {
  std::vector<StreamPosition> cuts;
  size_t next = 1;  // a cut before the first byte would leave a stream empty
  for (int i = 1; i < streams; ++i) {
    const int64_t wanted = total_bytes_ / streams * i;
    const auto later = [](const Sample& sample, int64_t bytes) { return sample.before < bytes; };
    size_t best =
        std::lower_bound(samples_.begin(), samples_.end(), wanted, later) - samples_.begin();
    if (best == samples_.size() ||
        (best > 0 && wanted - samples_[best - 1].before < samples_[best].before - wanted)) {
      best -= best > 0;
    }
    if (best < next || best >= samples_.size()) continue;
    cuts.push_back(samples_[best].position);
    next = best + 1;
  }
  return cuts;
}

absl::StatusOr<RestorePlan> PlanRestore(Table* table, const CheckpointRecord& checkpoint,
                                        const Selection& selection, int streams) {
  RowScanner rows(table, *Uid::FromBytes(checkpoint.uid()), selection.RangesFrom(""));
  Planner planner(selection);
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) break;
    CAIRN_RETURN_IF_ERROR(planner.Add(*row));
  }
  CAIRN_RETURN_IF_ERROR(planner.EndTensor());
  if (const Selector* unmatched = selection.FirstUnmatched(planner.matched())) {
    return SelectedNotFound(table, checkpoint, *unmatched);
  }
  return planner.Result(streams);
}

}  // namespace cairn::storage
