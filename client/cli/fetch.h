// Tensors into memory.
#ifndef CAIRN_CLIENT_CLI_FETCH_H_
#define CAIRN_CLIENT_CLI_FETCH_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "client/client.h"

namespace cairn::cli {

// By key, then by box.
using FetchedSlices = std::map<std::string, std::map<Box, std::string>>;

// The slices of `tensors` of `checkpoint` as they were saved. Memory: these bytes.
absl::StatusOr<FetchedSlices> FetchSlices(Client& client, const v1::Checkpoint& checkpoint,
                                          absl::Span<const v1::Tensor> tensors);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_FETCH_H_
