#include "client/cli/tensor_selection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/reference_argument.h"

namespace cairn::cli {

TensorSelection SelectionFromArguments(const std::vector<std::string>& prefixes,
                                       const std::vector<std::string>& keys,
                                       const std::vector<std::string>& objects) {
  TensorSelection selection;
  for (const std::string& prefix : prefixes) {
    selection.prefixes.push_back(PrefixFromArgument(prefix));
  }
  for (const std::string& key : keys) selection.keys.push_back(KeyFromArgument(key));
  for (const std::string& object : objects) {
    selection.objects.push_back(PrefixFromArgument(object));
  }
  return selection;
}

std::vector<v1::Selector> SelectorsOf(const TensorSelection& selection) {
  std::vector<v1::Selector> selectors;
  for (const std::string& prefix : selection.prefixes) {
    selectors.emplace_back().set_key_prefix(prefix);
  }
  for (const std::string& key : selection.keys) selectors.emplace_back().set_key(key);
  for (const std::string& object : selection.objects) {
    selectors.emplace_back().set_object_path(object);
  }
  return selectors;
}

std::string PinnedReference(const v1::Checkpoint& checkpoint) {
  return absl::StrCat("uid:", checkpoint.uid());
}

absl::StatusOr<std::map<std::string, v1::Tensor>> ListSelected(Client& client,
                                                               const v1::Checkpoint& checkpoint,
                                                               const TensorSelection& selection) {
  std::map<std::string, v1::Tensor> tensors;
  v1::ListTensorsRequest request;
  request.set_directory(checkpoint.directory());
  request.set_checkpoint(PinnedReference(checkpoint));
  const auto list = [&] {
    return client.ListTensors(request, [&](const v1::ListTensorsResponse& page) {
      for (const v1::Tensor& tensor : page.tensors()) tensors.emplace(tensor.key(), tensor);
      return absl::OkStatus();
    });
  };
  std::vector<std::string> prefixes = selection.prefixes;
  if (selection.everything()) prefixes.emplace_back();
  for (const std::string& prefix : prefixes) {
    request.set_key_prefix(prefix);
    CAIRN_RETURN_IF_ERROR(list());
  }
  request.clear_key_prefix();
  for (const std::string& object : selection.objects) {
    request.set_object_path(object);
    CAIRN_RETURN_IF_ERROR(list());
  }
  for (const std::string& key : selection.keys) {
    v1::GetTensorRequest get;
    get.set_directory(checkpoint.directory());
    get.set_checkpoint(PinnedReference(checkpoint));
    get.set_key(key);
    get.set_view(v1::TENSOR_VIEW_BASIC);
    CAIRN_ASSIGN_OR_RETURN(v1::Tensor tensor, client.connection().GetTensor(get));
    tensors.emplace(key, std::move(tensor));
  }
  return tensors;
}

}  // namespace cairn::cli
