#include "client/cli/make_sink.h"

#include <utility>

#include "base/error.h"
#include "client/cli/bundle_plan.h"
#include "client/cli/bundle_sink.h"
#include "client/cli/tensor_selection.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

absl::StatusOr<BundleSink::Options> BundleOptions(const RestoreArguments& arguments) {
  if (arguments.shards.has_value() && arguments.max_shard_bytes.has_value()) {
    return UsageError("give --shards or --max-shard-bytes, not both");
  }
  if (arguments.shards.value_or(1) < 1 || arguments.max_shard_bytes.value_or(1) < 1) {
    return UsageError("--shards and --max-shard-bytes take a number from 1 on");
  }
  BundleSink::Options options;
  options.write_state = arguments.state_file;
  options.files.force = arguments.force;
  options.files.shards = arguments.shards.value_or(1);
  options.files.max_shard_bytes = arguments.max_shard_bytes;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointSink>> MakeCheckpointSink(
    const RestoreArguments& arguments, const v1::Checkpoint& checkpoint, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const BundleSink::Options options, BundleOptions(arguments));
  const TensorSelection selection =
      SelectionFromArguments(arguments.prefixes, arguments.keys, arguments.objects);
  CAIRN_ASSIGN_OR_RETURN(BundlePlan plan, PlanBundle(context.client, checkpoint, selection,
                                                     arguments.skip_unsupported));
  return BundleSink::Create(context.file_system, arguments.output, std::move(plan), options);
}

}  // namespace cairn::cli
