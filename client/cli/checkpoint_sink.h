// Where a checkpoint is restored to, whatever the format of the files.
#ifndef CAIRN_CLIENT_CLI_CHECKPOINT_SINK_H_
#define CAIRN_CLIENT_CLI_CHECKPOINT_SINK_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "cairn/v1/types.pb.h"
#include "client/restore.h"

namespace cairn::cli {

struct RestoreTotals {
  int64_t tensors = 0;
  int64_t attachments = 0;
  int64_t bytes = 0;  // as the store counts them
};

// Files of the names that were asked for exist after Finish() alone; what is unfinished when the
// sink goes is removed.
class CheckpointSink : public SliceSink {
 public:
  // What to ask the server for; none means every tensor.
  virtual std::vector<v1::Selector> selectors() const = 0;
  // What will have been written.
  virtual RestoreTotals totals() const = 0;
  // Makes the files durable under their names. Call once, after the restore.
  // Errors: kDataLoss (bytes are missing), those of FileSystem.
  virtual absl::Status Finish() = 0;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_CHECKPOINT_SINK_H_
