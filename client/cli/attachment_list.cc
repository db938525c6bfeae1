#include "client/cli/attachment_list.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

constexpr size_t kNamedAttachments = 20;  // in a message

}  // namespace

absl::StatusOr<std::vector<v1::Tensor>> ListAttachments(Client& client,
                                                        const v1::Checkpoint& checkpoint) {
  std::vector<v1::Tensor> attachments;
  if (checkpoint.attachment_count() == 0) return attachments;
  v1::ListTensorsRequest request;
  request.set_directory(checkpoint.directory());
  request.set_checkpoint(PinnedReference(checkpoint));
  request.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  CAIRN_RETURN_IF_ERROR(client.ListTensors(request, [&](const v1::ListTensorsResponse& page) {
    attachments.insert(attachments.end(), page.tensors().begin(), page.tensors().end());
    return absl::OkStatus();
  }));
  return attachments;
}

absl::StatusOr<std::optional<v1::Tensor>> FindAttachment(Client& client,
                                                         const v1::Checkpoint& checkpoint,
                                                         const std::string& name) {
  if (checkpoint.attachment_count() == 0) return std::nullopt;
  v1::GetTensorRequest request;
  request.set_directory(checkpoint.directory());
  request.set_checkpoint(PinnedReference(checkpoint));
  request.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  request.set_key(name);
  request.set_view(v1::TENSOR_VIEW_BASIC);
  absl::StatusOr<v1::Tensor> attachment = client.connection().GetTensor(request);
  if (ReasonOf(attachment.status()) == ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND) {
    return std::nullopt;
  }
  return attachment;
}

absl::Status AttachmentNotFound(const v1::Checkpoint& checkpoint, absl::string_view name,
                                const std::vector<v1::Tensor>& attachments) {
  std::vector<std::string> names;
  for (const v1::Tensor& attachment : attachments) {
    if (names.size() == kNamedAttachments) break;
    names.push_back(attachment.key());
  }
  std::string found = names.empty() ? "it has none" : absl::StrJoin(names, ", ");
  if (names.size() < attachments.size()) {
    absl::StrAppend(&found, " and ", attachments.size() - names.size(), " more");
  }
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("cannot find attachment \"", name, "\" in ", checkpoint.reference(),
                                "; ", names.empty() ? "" : "it has ", found),
                   {{"selector", name}, {"neighbors", absl::StrJoin(names, ", ")}});
}

v1::Selector AttachmentSelector(absl::string_view name) {
  v1::Selector selector;
  selector.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  selector.set_key(std::string(name));
  return selector;
}

v1::Selector EveryAttachment() {
  v1::Selector selector;
  selector.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  selector.set_key_prefix("");
  return selector;
}

}  // namespace cairn::cli
