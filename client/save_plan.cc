#include "client/save_plan.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/tensor_kind.h"

namespace cairn {
namespace {

// A message holds at least as much payload as header, and never more than the server parses.
constexpr int64_t kMaxHeaderBytes = int64_t{512} << 10;

// At most what the SlicePart of this slice takes.
int64_t HeaderBytes(const SliceToSave& slice) {
  constexpr int64_t kFixedFields = 64;
  constexpr int64_t kPerDimension = 10 + 26;  // a varint in the shape; an Extent with its frame
  return static_cast<int64_t>(slice.key.size() + slice.dtype.size()) + kFixedFields +
         kPerDimension * static_cast<int64_t>(std::max<size_t>(slice.shape.size(), 1));
}

absl::Status CheckSlice(const SliceToSave& slice) {
  if (slice.bytes_count < 0) {
    return InvalidField("bytes_count",
                        absl::StrCat("of ", NounOf(slice.kind), " ", slice.key, " is negative"));
  }
  if (slice.source == nullptr && static_cast<int64_t>(slice.bytes.size()) != slice.bytes_count) {
    return InvalidField(
        "bytes", absl::StrCat("of ", NounOf(slice.kind), " ", slice.key, " are ",
                              slice.bytes.size(), ", its bytes_count is ", slice.bytes_count));
  }
  return absl::OkStatus();
}

// Groups parts as they come into batches of one message.
class Batcher {
 public:
  explicit Batcher(SavePlan* plan) : plan_(*plan) {}

  void Add(const PartToSave& part, int64_t header_bytes) {
    const size_t index = plan_.parts.size();
    plan_.parts.push_back(part);
    plan_.total_bytes += part.length;
    if (part.length > plan_.max_payload_bytes) {
      large_.push_back({index, 1, part.length});
      Close();  // what follows is no neighbour of what came before
      return;
    }
    if (current_.bytes + part.length > plan_.max_payload_bytes ||
        header_bytes_ + header_bytes > kMaxHeaderBytes) {
      Close();
    }
    if (current_.part_count == 0) current_.first_part = index;
    ++current_.part_count;
    current_.bytes += part.length;
    header_bytes_ += header_bytes;
  }

  void Finish() {
    Close();
    std::stable_sort(large_.begin(), large_.end(),
                     [](const BatchToSave& a, const BatchToSave& b) { return a.bytes > b.bytes; });
    plan_.batches = std::move(large_);
    plan_.batches.insert(plan_.batches.end(), small_.begin(), small_.end());
  }

 private:
  void Close() {
    if (current_.part_count > 0) small_.push_back(current_);
    current_ = {0, 0, 0};
    header_bytes_ = 0;
  }

  SavePlan& plan_;
  std::vector<BatchToSave> large_;
  std::vector<BatchToSave> small_;
  BatchToSave current_ = {0, 0, 0};
  int64_t header_bytes_ = 0;
};

}  // namespace

absl::StatusOr<SavePlan> PlanSave(absl::Span<const SliceToSave> slices,
                                  const v1::ServerInfo& limits) {
  SavePlan plan;
  plan.part_bytes = limits.part_bytes();
  plan.max_payload_bytes = limits.max_payload_bytes();
  if (plan.part_bytes <= 0 || plan.max_payload_bytes <= 0) {
    return absl::InternalError("the server told no limits for parts and payloads");
  }
  Batcher batcher(&plan);
  for (size_t i = 0; i < slices.size(); ++i) {
    const SliceToSave& slice = slices[i];
    CAIRN_RETURN_IF_ERROR(CheckSlice(slice));
    if (slice.bytes_count > std::numeric_limits<int64_t>::max() - plan.total_bytes) {
      return InvalidField("bytes_count", "the slices together are over 2^63 bytes");
    }
    int64_t offset = 0;
    do {  // a slice without bytes has a part as well
      const int64_t length = std::min(plan.part_bytes, slice.bytes_count - offset);
      batcher.Add({i, offset, length}, HeaderBytes(slice));
      offset += length;
    } while (offset < slice.bytes_count);
  }
  batcher.Finish();
  return plan;
}

}  // namespace cairn
