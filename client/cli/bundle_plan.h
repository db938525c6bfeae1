// What a restore into a TensorFlow checkpoint will write, known before its first byte.
#ifndef CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_
#define CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/tensor_selection.h"
#include "client/client.h"
#include "formats/tensor_bundle/bundle_writer.h"

namespace cairn::cli {

// A slice that is written from memory: its bytes as the data file holds them, and the checksum of
// its entry.
struct EncodedSlice {
  BundleWriter::SliceNumber number;
  std::string bytes;
  uint32_t crc32c;
};

struct BundlePlan {
  // By key, each in the slices that it was saved in.
  std::vector<PlannedTensor> tensors;
  // All slices of strings, of variants and of the object graph: fetched already. The bytes of the
  // other tensors are to be streamed.
  std::vector<EncodedSlice> encoded;
  // Keys that the selectors match as well, and that are left out.
  std::set<std::string> skipped;
  RestoreTotals totals;
  std::vector<v1::Selector> selectors;  // of the restore; none means every tensor
};

// The selected tensors and, where the checkpoint has one, the object graph without what is not
// selected. Fetches those whose size in the data file depends on their values. `skip_unsupported`:
// what TensorFlow's files cannot hold is left out. Memory: what is fetched and the descriptions.
// Errors: kNotFound (a selector matches nothing), kInvalidArgument (tensors that TensorFlow's files
// cannot hold, all named; a string tensor or a graph of another form, its key named).
absl::StatusOr<BundlePlan> PlanBundle(Client& client, const v1::Checkpoint& checkpoint,
                                      const TensorSelection& selection,
                                      bool skip_unsupported = false);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_
