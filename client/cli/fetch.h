// Tensors into memory.
#ifndef CAIRN_CLIENT_CLI_FETCH_H_
#define CAIRN_CLIENT_CLI_FETCH_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/client.h"

namespace cairn::cli {

// The bytes of `tensors` of `checkpoint`, each saved as one slice, by key. Memory: these bytes.
absl::StatusOr<std::map<std::string, std::string>> FetchTensors(
    Client& client, const v1::Checkpoint& checkpoint, absl::Span<const v1::Tensor> tensors);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_FETCH_H_
