#include "client/cli/restore_files.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/make_sink.h"
#include "client/cli/progress_bar.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

// Says how to write all the same.
absl::Status WithWaysOut(const absl::Status& status) {
  if (!absl::IsAlreadyExists(status)) return status;
  return WithDetail(
      absl::Status(status.code(), absl::StrCat(status.message(), " (--force replaces it)")),
      DetailOf(status));
}

}  // namespace

absl::StatusOr<RestoreTotals> RestoreFiles(const RestoreArguments& arguments,
                                           const v1::Checkpoint& checkpoint,
                                           absl::string_view doing, CommandContext& context) {
  absl::StatusOr<std::unique_ptr<CheckpointSink>> sink =
      MakeCheckpointSink(arguments, checkpoint, context);
  CAIRN_RETURN_IF_ERROR(WithWaysOut(sink.status()));
  {
    ProgressBar progress(doing, context.output, context.clock);
    RestoreOptions options;
    options.progress = progress.callback();
    CAIRN_RETURN_IF_ERROR(context.client
                              .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                       (*sink)->selectors(), options, **sink)
                              .status(),
                          absl::StrCat("restoring ", checkpoint.reference()));
  }
  CAIRN_RETURN_IF_ERROR((*sink)->Finish(), absl::StrCat("writing ", arguments.output));
  return (*sink)->totals();
}

}  // namespace cairn::cli
