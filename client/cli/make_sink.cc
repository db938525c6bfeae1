#include "client/cli/make_sink.h"

#include <utility>

#include "base/error.h"
#include "client/cli/bundle_plan.h"
#include "client/cli/bundle_sink.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {

absl::StatusOr<std::unique_ptr<CheckpointSink>> MakeCheckpointSink(
    const RestoreArguments& arguments, const v1::Checkpoint& checkpoint, CommandContext& context) {
  const TensorSelection selection = SelectionFromArguments(arguments.prefixes, arguments.keys);
  CAIRN_ASSIGN_OR_RETURN(BundlePlan plan, PlanBundle(context.client, checkpoint, selection));
  BundleSink::Options options;
  options.files.force = arguments.force;
  return BundleSink::Create(context.file_system, arguments.output, std::move(plan), options);
}

}  // namespace cairn::cli
