#include "client/cli/fetch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "client/buffer_sink.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {

absl::StatusOr<std::map<std::string, std::string>> FetchTensors(
    Client& client, const v1::Checkpoint& checkpoint, absl::Span<const v1::Tensor> tensors) {
  std::map<std::string, std::string> fetched;
  if (tensors.empty()) return fetched;
  CAIRN_ASSIGN_OR_RETURN(const v1::ServerInfo limits, client.connection().GetServerInfo({}));
  const size_t at_a_time = std::max(limits.max_selectors(), 1);
  for (size_t done = 0; done < tensors.size(); done += at_a_time) {
    BufferSink sink;
    std::vector<v1::Selector> selectors;
    for (const v1::Tensor& tensor : tensors.subspan(done, at_a_time)) {
      std::string& bytes = fetched[tensor.key()];
      bytes.resize(tensor.logical_bytes());
      CAIRN_RETURN_IF_ERROR(sink.AddBytes(tensor.key(), absl::MakeSpan(bytes)));
      selectors.emplace_back().set_key(tensor.key());
    }
    CAIRN_RETURN_IF_ERROR(client
                              .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                       selectors, {.streams = 1}, sink)
                              .status());
  }
  return fetched;
}

}  // namespace cairn::cli
