#include "client/cli/make_sink.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/cli/attachment_list.h"
#include "client/cli/bundle_plan.h"
#include "client/cli/bundle_sink.h"
#include "client/cli/meta_graph.h"
#include "client/cli/safetensors_plan.h"
#include "client/cli/safetensors_sink.h"
#include "client/cli/saved_model_sink.h"
#include "client/cli/tensor_selection.h"
#include "client/cli/usage_error.h"
#include "formats/safetensors/safetensors_path.h"

namespace cairn::cli {
namespace {

using SinkOr = absl::StatusOr<std::unique_ptr<CheckpointSink>>;

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

SinkOr MakeSafetensorsSink(const RestoreArguments& arguments, const v1::Checkpoint& checkpoint,
                           const TensorSelection& selection, CommandContext& context) {
  if (arguments.shards.has_value() || arguments.max_shard_bytes.has_value() ||
      arguments.saved_model) {
    return UsageError(absl::StrCat("--output ", arguments.output,
                                   " is one safetensors file: it goes with no --shards, "
                                   "--max-shard-bytes or --saved-model"));
  }
  CAIRN_ASSIGN_OR_RETURN(
      SafetensorsPlan plan,
      PlanSafetensors(context.client, checkpoint, selection, arguments.skip_unsupported));
  return SafetensorsSink::Create(context.file_system, arguments.output, std::move(plan),
                                 arguments.force);
}

SinkOr MakeSavedModelSink(const RestoreArguments& arguments, const v1::Checkpoint& checkpoint,
                          BundleSink::Options variables, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const auto attachments, ListAttachments(context.client, checkpoint));
  CAIRN_RETURN_IF_ERROR(CheckIsSavedModel(attachments),
                        absl::StrCat("restoring ", checkpoint.reference()));
  CAIRN_ASSIGN_OR_RETURN(BundlePlan plan,
                         PlanBundle(context.client, checkpoint, {}, arguments.skip_unsupported));
  return SavedModelSink::Create(context.file_system, arguments.output, attachments, std::move(plan),
                                {.force = arguments.force, .variables = std::move(variables)});
}

// A whole TensorFlow checkpoint comes with its graph.
SinkOr WithMetaGraphOf(const v1::Checkpoint& checkpoint, SinkOr files,
                       const RestoreArguments& arguments, CommandContext& context) {
  CAIRN_RETURN_IF_ERROR(files.status());
  CAIRN_ASSIGN_OR_RETURN(const std::optional<v1::Tensor> graph,
                         FindAttachment(context.client, checkpoint, kMetaGraphName));
  if (!graph.has_value()) return files;
  return MetaGraphSink::Create(context.file_system, arguments.output, *graph, *std::move(files),
                               arguments.force);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointSink>> MakeCheckpointSink(
    const RestoreArguments& arguments, const v1::Checkpoint& checkpoint, CommandContext& context) {
  const TensorSelection selection =
      SelectionFromArguments(arguments.prefixes, arguments.keys, arguments.objects);
  if (IsSafetensorsFile(arguments.output)) {
    return MakeSafetensorsSink(arguments, checkpoint, selection, context);
  }
  if (IsSafetensorsIndex(arguments.output)) {
    return UsageError(absl::StrCat("--output ", arguments.output,
                                   " is an index of safetensors files, which is not written: name "
                                   "one file, x.safetensors"));
  }
  CAIRN_ASSIGN_OR_RETURN(const BundleSink::Options options, BundleOptions(arguments));
  if (arguments.saved_model) {
    if (!selection.everything()) {
      return UsageError(
          "--saved-model writes a SavedModel whole: it goes with no --prefix, --key or --object");
    }
    return MakeSavedModelSink(arguments, checkpoint, options, context);
  }
  CAIRN_ASSIGN_OR_RETURN(BundlePlan plan, PlanBundle(context.client, checkpoint, selection,
                                                     arguments.skip_unsupported));
  SinkOr bundle =
      BundleSink::Create(context.file_system, arguments.output, std::move(plan), options);
  if (!selection.everything()) return bundle;
  return WithMetaGraphOf(checkpoint, std::move(bundle), arguments, context);
}

}  // namespace cairn::cli
