// What a restore will send, and where to cut it into streams.
#ifndef CAIRN_STORAGE_RESTORE_PLAN_H_
#define CAIRN_STORAGE_RESTORE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/selection.h"
#include "storage/store.h"
#include "storage/stream_token.h"

namespace cairn::storage {

// Remembers places at which a sequence of rows can be cut: at most kMaxSamples, equally far apart.
class CutSampler {
 public:
  static constexpr size_t kMaxSamples = 4096;

  // The next row sends so many bytes.
  void Add(const std::string& row_key, int64_t bytes);
  int64_t total_bytes() const { return total_bytes_; }

  // Cuts into at most `streams` stretches of about equal size; ascending, possibly none.
  std::vector<StreamPosition> Cuts(int streams) const;

 private:
  struct Sample {
    StreamPosition position;
    int64_t before;  // bytes
  };
  void Thin();

  std::vector<Sample> samples_;
  int64_t distance_ = kPieceBytes;  // of samples, at least
  int64_t total_bytes_ = 0;
};

struct RestorePlan {
  int64_t tensor_count = 0;
  int64_t total_bytes = 0;
  std::vector<StreamPosition> cuts;
};

// Reads the selected rows once, with bounded memory, and checks that every selector can be served.
// Errors: kNotFound (a selector matches nothing), kInvalidArgument (box or cast), kDataLoss.
absl::StatusOr<RestorePlan> PlanRestore(Table* table, const CheckpointRecord& checkpoint,
                                        const Selection& selection, int streams);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_RESTORE_PLAN_H_
