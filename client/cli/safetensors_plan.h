// What a restore into a safetensors file will write, known before its first byte.
#ifndef CAIRN_CLIENT_CLI_SAFETENSORS_PLAN_H_
#define CAIRN_CLIENT_CLI_SAFETENSORS_PLAN_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/tensor_selection.h"
#include "client/client.h"
#include "formats/safetensors/header.h"
#include "formats/safetensors/writer.h"

namespace cairn::cli {

struct SafetensorsPlan {
  std::vector<SafetensorsWriter::Tensor> tensors;  // whole, however they were saved
  std::optional<SafetensorsMetadata> metadata;
  std::vector<v1::Selector> selectors;  // of the restore; they may match what is left out
  RestoreTotals totals;
};

// The selected tensors and the metadata that was kept with them, of a part too. The object graph
// and other attachments are left out. `skip_unsupported`: so is what safetensors cannot hold.
// Memory: the descriptions and the metadata. Errors: kNotFound (a selector matches nothing),
// kInvalidArgument (what safetensors cannot hold, all of it named), kFailedPrecondition (nothing
// that was selected is left).
absl::StatusOr<SafetensorsPlan> PlanSafetensors(Client& client, const v1::Checkpoint& checkpoint,
                                                const TensorSelection& selection,
                                                bool skip_unsupported);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAFETENSORS_PLAN_H_
