#include "client/cli/safetensors_plan.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/dtype.h"
#include "base/error.h"
#include "client/buffer_sink.h"
#include "client/cli/attachment_list.h"
#include "client/cli/safetensors_metadata.h"
#include "formats/object_graph/object_graph.h"

namespace cairn::cli {
namespace {

bool IsObjectGraph(const v1::Tensor& tensor) {
  return tensor.key() == kObjectGraphKey && tensor.dtype() == "string" && tensor.shape().empty();
}

// Why safetensors cannot hold `tensor`; nullopt if it can.
std::optional<std::string> WhyUnsupported(const v1::Tensor& tensor) {
  if (std::optional<std::string> why = WhyNotInSafetensors(tensor.key(), tensor.dtype())) {
    return why;
  }
  if (tensor.partial()) return "only a part of its elements was saved";
  const std::optional<Dtype> dtype = FindDtype(tensor.dtype());
  if (tensor.slice_count() != 1 && !(dtype.has_value() && IsFixedWidth(*dtype))) {
    return absl::StrCat("it was saved in ", tensor.slice_count(),
                        " slices, and how to join those of dtype ", tensor.dtype(),
                        " is not known");
  }
  return std::nullopt;
}

// The attachment that holds the metadata, parsed; nullopt if there is none.
absl::StatusOr<std::optional<SafetensorsMetadata>> FetchMetadata(Client& client,
                                                                 const v1::Checkpoint& checkpoint) {
  CAIRN_ASSIGN_OR_RETURN(const std::optional<v1::Tensor> kept,
                         FindAttachment(client, checkpoint, kSafetensorsMetadataAttachment));
  if (!kept.has_value()) return std::nullopt;
  if (kept->logical_bytes() > kMaxSafetensorsHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has ", kept->logical_bytes(), " bytes, more than a header may have"));
  }
  std::string json(kept->logical_bytes(), '\0');
  BufferSink sink;
  CAIRN_RETURN_IF_ERROR(sink.AddAttachment(kept->key(), absl::MakeSpan(json)));
  CAIRN_RETURN_IF_ERROR(client
                            .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                     {AttachmentSelector(kept->key())}, {.streams = 1}, sink)
                            .status());
  CAIRN_ASSIGN_OR_RETURN(SafetensorsMetadata metadata, ParseSafetensorsMetadata(json));
  return metadata;
}

}  // namespace

absl::StatusOr<SafetensorsPlan> PlanSafetensors(Client& client, const v1::Checkpoint& checkpoint,
                                                const TensorSelection& selection,
                                                bool skip_unsupported) {
  CAIRN_ASSIGN_OR_RETURN(const auto tensors, ListSelected(client, checkpoint, selection));
  SafetensorsPlan plan;
  plan.selectors = SelectorsOf(selection);
  std::vector<std::string> unsupported;
  for (const auto& [key, tensor] : tensors) {
    if (IsObjectGraph(tensor)) continue;
    if (const std::optional<std::string> why = WhyUnsupported(tensor)) {
      unsupported.push_back(absl::StrCat(key, " (", *why, ")"));
      continue;
    }
    plan.tensors.push_back({key,
                            tensor.dtype(),
                            {tensor.shape().begin(), tensor.shape().end()},
                            tensor.logical_bytes()});
    ++plan.totals.tensors;
    plan.totals.bytes += tensor.logical_bytes();
  }
  absl::StatusOr<std::optional<SafetensorsMetadata>> metadata = FetchMetadata(client, checkpoint);
  if (metadata.ok()) {
    plan.metadata = *std::move(metadata);
  } else if (absl::IsInvalidArgument(metadata.status())) {
    unsupported.push_back(absl::StrCat("the attachment ", kSafetensorsMetadataAttachment, " (",
                                       metadata.status().message(), ")"));
  } else {
    return metadata.status();
  }
  if (!unsupported.empty() && !skip_unsupported) {
    return InvalidField(
        "output", absl::StrCat("a safetensors file cannot hold ", absl::StrJoin(unsupported, ", "),
                               " of ", checkpoint.reference(),
                               ": leave them out with --skip-unsupported, or write "
                               "TensorFlow's files"));
  }
  if (plan.tensors.empty() && !tensors.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a safetensors file can hold nothing of what is selected of ", checkpoint.reference(),
        "; select other tensors, or write TensorFlow's "
        "files"));
  }
  return plan;
}

}  // namespace cairn::cli
