// How a save is cut: slices into parts, parts into batches, each sent by one stream.
#ifndef CAIRN_CLIENT_SAVE_PLAN_H_
#define CAIRN_CLIENT_SAVE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "client/save.h"

namespace cairn {

// A byte range of a slice, the unit of resuming. The parts of a slice are neighbours, in order.
struct PartToSave {
  size_t slice;  // index
  int64_t offset;
  int64_t length;
};

// Neighbouring parts. Several make one message; one alone is sent as messages of max_payload_bytes.
struct BatchToSave {
  size_t first_part;
  size_t part_count;
  int64_t bytes;
};

struct SavePlan {
  int64_t part_bytes = 0;         // of the server
  int64_t max_payload_bytes = 0;  // likewise
  int64_t total_bytes = 0;
  std::vector<PartToSave> parts;
  // Large ones first, so that streams that take one after the other end at about the same time;
  // small ones in the slices' order, so that neighbours are stored together.
  std::vector<BatchToSave> batches;
};

// Errors: kInvalidArgument (a slice without its bytes, a negative size, limits that are not
// positive).
absl::StatusOr<SavePlan> PlanSave(absl::Span<const SliceToSave> slices,
                                  const v1::ServerInfo& limits);

}  // namespace cairn

#endif  // CAIRN_CLIENT_SAVE_PLAN_H_
