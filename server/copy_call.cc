#include "server/copy_call.h"

#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/object_graph/object_graph.h"
#include "server/convert.h"
#include "server/validate.h"

namespace cairn::server {
namespace {

// The bytes of a tensor that holds one string.
std::string OneString(absl::string_view string) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(uint64_t{string.size()} >> 8 * i));
  bytes.append(string.data(), string.size());
  return bytes;
}

// The object graph with the keys that the tensors have in the copy.
absl::StatusOr<std::string> RenamedGraph(absl::string_view graph, storage::KeyMapping mapping) {
  absl::Status status;
  CAIRN_ASSIGN_OR_RETURN(
      const std::string renamed,
      RenameObjectGraph(graph, [&](absl::string_view key) -> std::optional<std::string> {
        const std::string text = KeyTextFromBytes(key);
        if (!status.ok() || !ValidateKeyText(text).ok()) return std::nullopt;
        absl::StatusOr<std::optional<std::string>> new_text = mapping(text);
        status.Update(new_text.status());
        if (!new_text.ok() || !*new_text) return std::nullopt;
        absl::StatusOr<std::string> bytes = BytesFromKeyText(**new_text);
        status.Update(bytes.status());
        return bytes.ok() ? std::optional<std::string>(*std::move(bytes)) : std::nullopt;
      }));
  CAIRN_RETURN_IF_ERROR(status);
  return OneString(renamed);
}

}  // namespace

absl::Status CopyCall::Open(const v1::CopyCheckpointRequest& header) {
  CAIRN_RETURN_IF_ERROR(services_.admission->AdmitSave());
  CAIRN_RETURN_IF_ERROR(RequireField("directory", header.directory()), "first message");
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(header.request_id()));
  directory_ = header.directory();
  checkpoint_ = header.checkpoint();
  options_.target_directory = header.target_directory();
  if (header.has_checkpoint_number()) options_.number = header.checkpoint_number();
  options_.replace = header.if_exists() == v1::SaveSession::IF_EXISTS_REPLACE;
  options_.include.assign(header.include().begin(), header.include().end());
  options_.exclude.assign(header.exclude().begin(), header.exclude().end());
  options_.annotations.insert(header.annotations().begin(), header.annotations().end());
  options_.request_id = header.request_id();
  opened_ = true;
  return absl::OkStatus();
}

absl::Status CopyCall::Receive(const v1::CopyCheckpointRequest& request) {
  if (!opened_) {
    CAIRN_RETURN_IF_ERROR(Open(request));
  } else {
    v1::CopyCheckpointRequest rest = request;
    rest.clear_renames();
    if (rest.ByteSizeLong() > 0) {
      return InvalidField("directory",
                          "only the first message says what is copied, the others bring renames");
    }
  }
  for (const v1::CopyCheckpointRequest::Rename& rename : request.renames()) {
    rename_bytes_ += static_cast<int64_t>(rename.from().size() + rename.to().size());
    options_.renames.push_back({rename.from(), rename.to(), rename.prefix()});
  }
  return storage::ValidateRenameCount(static_cast<int64_t>(options_.renames.size()), rename_bytes_);
}

absl::StatusOr<v1::Checkpoint> CopyCall::Finish() {
  if (!opened_) return InvalidField("directory", "is required in the first message; none came");
  options_.index_key = kObjectGraphKey;
  options_.rewrite_index =
      [this](const storage::CheckpointRecord& source,
             storage::KeyMapping mapping) -> absl::StatusOr<std::optional<std::string>> {
    const absl::StatusOr<std::string> graph = graphs_->ReadSerialized(directory_, source);
    if (absl::IsNotFound(graph.status())) return std::nullopt;  // it only bears the name of one
    CAIRN_RETURN_IF_ERROR(graph.status());
    CAIRN_ASSIGN_OR_RETURN(std::string renamed, RenamedGraph(*graph, mapping),
                           "the object graph (exclude it if the copy need not have it)");
    return renamed;
  };
  CAIRN_ASSIGN_OR_RETURN(const storage::CheckpointRecord copy,
                         services_.store->CopyCheckpoint(directory_, checkpoint_, options_));
  return ToApi(options_.target_directory.empty() ? directory_ : options_.target_directory, copy);
}

}  // namespace cairn::server
