// What a restore into a TensorFlow checkpoint will write, known before its first byte.
#ifndef CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_
#define CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/tensor_selection.h"
#include "client/client.h"
#include "formats/tensor_bundle/bundle_writer.h"

namespace cairn::cli {

// Bytes that are written from memory, as the data file holds them, and the checksum of their entry.
struct EncodedTensor {
  std::string bytes;
  uint32_t crc32c;
};

struct BundlePlan {
  struct Entry {
    PlannedTensor tensor;
    int64_t logical_bytes;  // in the store
    // Strings, variants and the object graph: fetched already. Unset: the bytes are to be streamed.
    std::optional<EncodedTensor> encoded;
  };
  std::vector<Entry> entries;
  std::vector<v1::Selector> selectors;  // of the restore; none means every tensor
};

// The selected tensors and, where the checkpoint has one, the object graph without what is not
// selected. Fetches those whose size in the data file depends on their values. Memory: these and
// the descriptions. Errors: kNotFound (a selector matches nothing), kUnimplemented with NOT_YET (a
// tensor in several slices), kInvalidArgument (a string tensor or a graph of another form; the key
// is named).
absl::StatusOr<BundlePlan> PlanBundle(Client& client, const v1::Checkpoint& checkpoint,
                                      const TensorSelection& selection);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_BUNDLE_PLAN_H_
