#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"
#include "client/cli/attachment_list.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

// A document is made in memory.
constexpr int64_t kMaxDocumentBytes = int64_t{64} << 20;

// Prints bytes as they arrive, which one stream brings in order.
class OutputSink : public SliceSink {
 public:
  explicit OutputSink(Output* output) : output_(*output) {}

  absl::Status Begin(const v1::OpenRestoreResponse& /*restore*/) override {
    return absl::OkStatus();
  }
  absl::Status Write(const ArrivedPart& part) override {
    if (part.offset != printed_) {
      return absl::InternalError(absl::StrCat("the server sent the bytes at ", part.offset,
                                              " where those at ", printed_, " come next"));
    }
    for (absl::string_view bytes : part.bytes) CAIRN_RETURN_IF_ERROR(output_.Write(bytes));
    printed_ += part.length;
    return absl::OkStatus();
  }

 private:
  Output& output_;
  int64_t printed_ = 0;
};

absl::Status Fetch(const v1::Checkpoint& checkpoint, const std::string& name, SliceSink& sink,
                   CommandContext& context) {
  return WithContext(context.client
                         .Restore(checkpoint.directory(), PinnedReference(checkpoint),
                                  {AttachmentSelector(name)}, {.streams = 1}, sink)
                         .status(),
                     absl::StrCat("printing ", name, " of ", checkpoint.reference()));
}

absl::Status PrintDocument(const v1::Checkpoint& checkpoint, const v1::Tensor& attachment,
                           CommandContext& context) {
  if (attachment.logical_bytes() > kMaxDocumentBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot print ", attachment.key(), " as a document: it has ",
        HumanBytes(attachment.logical_bytes()), " of at most ", HumanBytes(kMaxDocumentBytes),
        "; without --json it is printed as it is, whatever its size"));
  }
  std::string content(attachment.logical_bytes(), '\0');
  BufferSink sink;
  CAIRN_RETURN_IF_ERROR(sink.AddAttachment(attachment.key(), absl::MakeSpan(content)));
  CAIRN_RETURN_IF_ERROR(Fetch(checkpoint, attachment.key(), sink, context));
  context.output.PrintJson({{"reference", checkpoint.reference()},
                            {"name", attachment.key()},
                            {"bytes", attachment.logical_bytes()},
                            {"content", absl::Base64Escape(content)}});
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCatCommand(const CatArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference, ParseReference(arguments.reference));
  const std::string name = KeyFromArgument(arguments.name);
  v1::GetCheckpointRequest request;
  request.set_directory(reference.directory);
  request.set_checkpoint(reference.checkpoint);
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint,
                         context.client.connection().GetCheckpoint(request));
  CAIRN_ASSIGN_OR_RETURN(const std::optional<v1::Tensor> attachment,
                         FindAttachment(context.client, checkpoint, name));
  if (!attachment.has_value()) {
    CAIRN_ASSIGN_OR_RETURN(const auto attachments, ListAttachments(context.client, checkpoint));
    return AttachmentNotFound(checkpoint, name, attachments);
  }
  if (context.output.json()) return PrintDocument(checkpoint, *attachment, context);
  OutputSink sink(&context.output);
  return Fetch(checkpoint, name, sink, context);
}

}  // namespace cairn::cli
