#include "client/cli/fetch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

// Puts what arrives together, each slice's bytes in order. One stream only. Memory grows with what
// comes, whatever sizes were told.
class SliceCollector : public SliceSink {
 public:
  // Into `slices`, which has the keys that were asked for.
  explicit SliceCollector(FetchedSlices* slices) : slices_(slices) {}

  absl::Status Begin(const v1::OpenRestoreResponse& /*restore*/) override {
    return absl::OkStatus();
  }
  absl::Status Write(const ArrivedPart& part) override {
    const auto found = slices_->find(part.part.key());
    if (found == slices_->end()) {
      return absl::InternalError("the server sent a tensor that was not selected");
    }
    std::string& bytes = found->second[part.box];
    if (part.offset != static_cast<int64_t>(bytes.size())) {
      return absl::InternalError(absl::StrCat("the server sent the bytes at ", part.offset,
                                              " of slice ", ToString(part.box), " after ",
                                              bytes.size()));
    }
    for (absl::string_view range : part.bytes) bytes.append(range.data(), range.size());
    return absl::OkStatus();
  }

 private:
  FetchedSlices* const slices_;
};

}  // namespace

absl::StatusOr<FetchedSlices> FetchSlices(Client& client, const v1::Checkpoint& checkpoint,
                                          absl::Span<const v1::Tensor> tensors) {
  FetchedSlices fetched;
  if (tensors.empty()) return fetched;
  CAIRN_ASSIGN_OR_RETURN(const v1::ServerInfo limits, client.connection().GetServerInfo({}));
  const size_t at_a_time = std::max(limits.max_selectors(), 1);
  for (size_t done = 0; done < tensors.size(); done += at_a_time) {
    std::vector<v1::Selector> selectors;
    for (const v1::Tensor& tensor : tensors.subspan(done, at_a_time)) {
      selectors.emplace_back().set_key(tensor.key());
      fetched[tensor.key()];
    }
    SliceCollector sink(&fetched);
    CAIRN_RETURN_IF_ERROR(client
                              .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                       selectors, {.streams = 1}, sink)
                              .status());
  }
  return fetched;
}

}  // namespace cairn::cli
