#include "client/cli/meta_graph.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "client/cli/attachment_files.h"
#include "client/cli/attachment_list.h"

namespace cairn::cli {

absl::StatusOr<std::unique_ptr<CheckpointSource>> WithMetaGraph(
    FileSystem* file_system, std::unique_ptr<CheckpointSource> source) {
  SourceIdentity identity = source->identity();
  const std::string path = absl::StrCat(identity.path, kMetaGraphName);
  if (!file_system->Exists(path) || file_system->IsFolder(path)) return source;
  return SourceWithAttachments::Make(file_system, std::move(identity), std::move(source),
                                     {{kMetaGraphName, path}});
}

MetaGraphSink::MetaGraphSink(FileSystem* file_system, const std::string& prefix,
                             const v1::Tensor& graph, std::unique_ptr<CheckpointSink> files,
                             bool force)
    : file_system_(file_system),
      path_(absl::StrCat(prefix, kMetaGraphName)),
      temporary_(absl::StrCat(path_, ".", Random::System()->NextUid().ToHex(), ".tmp")),
      bytes_(graph.logical_bytes()),
      force_(force),
      files_(std::move(files)),
      graph_(file_system),
      unfinished_(temporary_) {
  graph_.Add(kMetaGraphName, temporary_, bytes_);
}

MetaGraphSink::~MetaGraphSink() {
  if (!unfinished_.empty()) file_system_->Remove(unfinished_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<CheckpointSink>> MetaGraphSink::Create(
    FileSystem* file_system, const std::string& prefix, const v1::Tensor& graph,
    std::unique_ptr<CheckpointSink> files, bool force) {
  auto sink = std::unique_ptr<MetaGraphSink>(
      new MetaGraphSink(file_system, prefix, graph, std::move(files), force));
  CAIRN_RETURN_IF_ERROR(sink->CheckFree());
  return sink;
}

absl::Status MetaGraphSink::CheckFree() const {
  if (force_ || !file_system_->Exists(path_)) return absl::OkStatus();
  const std::string text = KeyTextFromBytes(path_);
  return MakeError(ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("cannot write the checkpoint: ", text,
                                " is there already; choose another path, or force to replace it"),
                   {{"path", text}});
}

std::vector<v1::Selector> MetaGraphSink::selectors() const {
  std::vector<v1::Selector> selectors = files_->selectors();
  if (selectors.empty()) selectors.emplace_back().set_key_prefix("");  // every tensor
  selectors.push_back(AttachmentSelector(kMetaGraphName));
  return selectors;
}

RestoreTotals MetaGraphSink::totals() const {
  RestoreTotals totals = files_->totals();
  totals.attachments += 1;
  totals.bytes += bytes_;
  return totals;
}

absl::Status MetaGraphSink::Begin(const v1::OpenRestoreResponse& restore) {
  return files_->Begin(restore);
}

absl::Status MetaGraphSink::Write(const ArrivedPart& part) {
  return part.part.kind() == v1::TENSOR_KIND_ATTACHMENT ? graph_.Write(part) : files_->Write(part);
}

absl::Status MetaGraphSink::Finish() {
  CAIRN_RETURN_IF_ERROR(graph_.Finish());
  CAIRN_RETURN_IF_ERROR(CheckFree());
  CAIRN_RETURN_IF_ERROR(file_system_->Rename(temporary_, path_));
  unfinished_ = path_;
  CAIRN_RETURN_IF_ERROR(files_->Finish());  // makes the rename durable, too
  unfinished_.clear();
  return absl::OkStatus();
}

}  // namespace cairn::cli
