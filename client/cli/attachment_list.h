// The attachments of a checkpoint.
#ifndef CAIRN_CLIENT_CLI_ATTACHMENT_LIST_H_
#define CAIRN_CLIENT_CLI_ATTACHMENT_LIST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/client.h"

namespace cairn::cli {

// All of them, by name. Memory: their descriptions. Errors: those of Client::ListTensors.
absl::StatusOr<std::vector<v1::Tensor>> ListAttachments(Client& client,
                                                        const v1::Checkpoint& checkpoint);

// The attachment `name` (in text form), if there is one.
absl::StatusOr<std::optional<v1::Tensor>> FindAttachment(Client& client,
                                                         const v1::Checkpoint& checkpoint,
                                                         const std::string& name);

// kNotFound with ERROR_REASON_TENSOR_NOT_FOUND: what is missing, and the names that there are.
absl::Status AttachmentNotFound(const v1::Checkpoint& checkpoint, absl::string_view name,
                                const std::vector<v1::Tensor>& attachments);

// What selects the attachment `name` (in text form) of a restore, or all of them.
v1::Selector AttachmentSelector(absl::string_view name);
v1::Selector EveryAttachment();

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_ATTACHMENT_LIST_H_
