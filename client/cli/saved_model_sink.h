// Restores into a SavedModel folder.
#ifndef CAIRN_CLIENT_CLI_SAVED_MODEL_SINK_H_
#define CAIRN_CLIENT_CLI_SAVED_MODEL_SINK_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "client/cli/attachment_writer.h"
#include "client/cli/bundle_plan.h"
#include "client/cli/bundle_sink.h"
#include "client/cli/checkpoint_sink.h"

namespace cairn::cli {

// Errors: kFailedPrecondition (no attachment is a SavedModel's graph).
absl::Status CheckIsSavedModel(absl::Span<const v1::Tensor> attachments);

// Writes every tensor as the variables and every attachment as the file that it is named after,
// into a folder beside the one that was asked for, which takes its name whole in Finish(). Without
// Finish() nothing stays.
class SavedModelSink : public CheckpointSink {
 public:
  struct Options {
    // Replaces a folder that is empty or holds a SavedModel, and no other. It is removed when the
    // new one stands in its place; a crash in between leaves it beside under a temporary name.
    bool force = false;
    BundleSink::Options variables;
  };

  // `file_system` is not owned. `attachments`: all of the checkpoint. `variables`: all of its
  // tensors; without any, there are no files of variables. Errors: usage (`folder` names none);
  // kAlreadyExists (the folder is there, and no force); kFailedPrecondition with
  // ERROR_REASON_BAD_FILE (something is there that even force does not replace); those of
  // CheckIsSavedModel, SavedModelPaths, BundleSink::Create and FileSystem.
  static absl::StatusOr<std::unique_ptr<SavedModelSink>> Create(
      FileSystem* file_system, const std::string& folder, absl::Span<const v1::Tensor> attachments,
      BundlePlan variables, const Options& options);
  ~SavedModelSink() override;

  std::vector<v1::Selector> selectors() const override;
  RestoreTotals totals() const override { return totals_; }
  absl::Status Begin(const v1::OpenRestoreResponse& restore) override;
  absl::Status Write(const ArrivedPart& part) override;
  absl::Status Finish() override;

 private:
  SavedModelSink(FileSystem* file_system, const std::string& folder, const Options& options);

  absl::Status CheckReplaceable() const;
  absl::Status PlanAttachments(absl::Span<const v1::Tensor> attachments);
  absl::Status MakeFolders();
  absl::Status Publish();

  FileSystem* const file_system_;
  const std::string folder_;
  const std::string temporary_;  // path
  const Options options_;
  std::set<std::string> folders_;  // paths in temporary_, "" for itself; parents come first
  AttachmentWriter attachments_;
  std::unique_ptr<BundleSink> variables_;  // null: there are none
  RestoreTotals totals_;
  bool is_temporary_ = false;  // the folder is there under its temporary name
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAVED_MODEL_SINK_H_
