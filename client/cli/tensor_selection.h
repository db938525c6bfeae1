// Which tensors the --prefix, --key and --object arguments mean.
#ifndef CAIRN_CLIENT_CLI_TENSOR_SELECTION_H_
#define CAIRN_CLIENT_CLI_TENSOR_SELECTION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "client/client.h"

namespace cairn::cli {

// United; none at all means every tensor. In text form.
struct TensorSelection {
  std::vector<std::string> prefixes;
  std::vector<std::string> keys;
  std::vector<std::string> objects;  // object paths

  bool everything() const { return prefixes.empty() && keys.empty() && objects.empty(); }
};

// From what was typed.
TensorSelection SelectionFromArguments(const std::vector<std::string>& prefixes,
                                       const std::vector<std::string>& keys,
                                       const std::vector<std::string>& objects);

// The selectors of a restore that mean the same.
std::vector<v1::Selector> SelectorsOf(const TensorSelection& selection);

// "uid:<hex>": names this checkpoint whatever its number or tags come to mean.
std::string PinnedReference(const v1::Checkpoint& checkpoint);

// The selected tensors of `checkpoint` by key. Memory: their descriptions.
// Errors: kNotFound (a prefix, key or object matches nothing, its neighbours are named).
absl::StatusOr<std::map<std::string, v1::Tensor>> ListSelected(Client& client,
                                                               const v1::Checkpoint& checkpoint,
                                                               const TensorSelection& selection);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_TENSOR_SELECTION_H_
