#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/error.h"
#include "base/human.h"
#include "client/cli/attachment_list.h"
#include "client/cli/command.h"
#include "client/cli/reference_argument.h"
#include "client/cli/table.h"
#include "client/cli/tensor_selection.h"

namespace cairn::cli {
namespace {

constexpr int kPreviewedValues = 8;
constexpr size_t kPreviewWidth = 60;  // bytes

struct ShownTensor {
  v1::Tensor tensor;
  std::vector<std::string> values;  // the first ones
  bool more_values = false;
};

absl::Status Preview(Client& client, const v1::Checkpoint& checkpoint, ShownTensor* shown) {
  v1::PreviewTensorRequest request;
  request.set_directory(checkpoint.directory());
  request.set_checkpoint(PinnedReference(checkpoint));
  request.set_key(shown->tensor.key());
  request.set_max_values(kPreviewedValues);
  CAIRN_ASSIGN_OR_RETURN(const v1::PreviewTensorResponse preview,
                         client.connection().PreviewTensor(request));
  shown->values.assign(preview.texts().begin(), preview.texts().end());
  shown->more_values = preview.element_count() > preview.texts_size();
  return absl::OkStatus();
}

// `text` up to `width` bytes, cut between characters.
absl::string_view Cut(absl::string_view text, size_t width) {
  if (text.size() <= width) return text;
  while (width > 0 && (text[width] & 0xC0) == 0x80) --width;
  return text.substr(0, width);
}

// As many values as fit on a short line.
std::string ValuesCell(const ShownTensor& shown) {
  if (shown.values.empty()) return "";
  std::string cell(Cut(shown.values[0], kPreviewWidth));
  bool whole = cell.size() == shown.values[0].size() && !shown.more_values;
  for (size_t i = 1; i < shown.values.size(); ++i) {
    if (cell.size() + 1 + shown.values[i].size() > kPreviewWidth) {
      whole = false;
      break;
    }
    absl::StrAppend(&cell, " ", shown.values[i]);
  }
  return whole ? cell : cell + " ...";
}

Json TensorDocument(const ShownTensor& shown, bool with_values) {
  const v1::Tensor& tensor = shown.tensor;
  Json document = {{"key", tensor.key()},
                   {"dtype", tensor.dtype()},
                   {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                   {"bytes", tensor.logical_bytes()}};
  if (with_values) document["values"] = shown.values;
  return document;
}

// Unset: they are not shown.
using Attachments = std::optional<std::vector<v1::Tensor>>;

void PrintDocument(const v1::Checkpoint& checkpoint, const std::vector<ShownTensor>& tensors,
                   const Attachments& attachments, bool with_values, Output& output) {
  Json list = Json::array();
  for (const ShownTensor& shown : tensors) list.push_back(TensorDocument(shown, with_values));
  Json document = {{"reference", checkpoint.reference()},
                   {"uid", checkpoint.uid()},
                   {"tensors", std::move(list)}};
  if (attachments.has_value()) {
    Json& names = document["attachments"] = Json::array();
    for (const v1::Tensor& attachment : *attachments) {
      names.push_back({{"name", attachment.key()}, {"bytes", attachment.logical_bytes()}});
    }
  }
  output.PrintJson(document);
}

void PrintTable(const std::vector<ShownTensor>& tensors, bool with_values, Output& output) {
  std::vector<Table::Column> columns = {{"KEY"}, {"DTYPE"}, {"SHAPE"}, {"BYTES", Align::kRight}};
  if (with_values) columns.push_back({"VALUES"});
  Table table(std::move(columns));
  for (const ShownTensor& shown : tensors) {
    const std::vector<int64_t> shape(shown.tensor.shape().begin(), shown.tensor.shape().end());
    std::vector<std::string> cells = {shown.tensor.key(), shown.tensor.dtype(),
                                      ShapeToString(shape),
                                      HumanCount(shown.tensor.logical_bytes())};
    if (with_values) cells.push_back(ValuesCell(shown));
    table.AddRow(std::move(cells));
  }
  output.Print(table.ToString());
}

// With an empty line before it if something else was printed.
void PrintAttachments(const std::vector<v1::Tensor>& attachments, bool is_first, Output& output) {
  if (attachments.empty()) return;
  Table table({{"ATTACHMENT"}, {"BYTES", Align::kRight}});
  for (const v1::Tensor& attachment : attachments) {
    table.AddRow({attachment.key(), HumanCount(attachment.logical_bytes())});
  }
  output.Print(absl::StrCat(is_first ? "" : "\n", table.ToString()));
}

}  // namespace

absl::Status RunShowCommand(const ShowArguments& arguments, CommandContext& context) {
  CAIRN_ASSIGN_OR_RETURN(const ReferenceArgument reference, ParseReference(arguments.reference));
  v1::GetCheckpointRequest request;
  request.set_directory(reference.directory);
  request.set_checkpoint(reference.checkpoint);
  CAIRN_ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint,
                         context.client.connection().GetCheckpoint(request));
  CAIRN_ASSIGN_OR_RETURN(auto selected, ListSelected(context.client, checkpoint,
                                                     SelectionFromArguments(arguments.prefixes, {},
                                                                            arguments.objects)));
  std::vector<ShownTensor> tensors;
  tensors.reserve(selected.size());
  for (auto& [key, tensor] : selected) {
    tensors.push_back({std::move(tensor), {}, false});
    if (arguments.values) {
      CAIRN_RETURN_IF_ERROR(Preview(context.client, checkpoint, &tensors.back()));
    }
  }
  Attachments attachments;
  // What selects tensors selects no attachment.
  if (arguments.prefixes.empty() && arguments.objects.empty()) {
    CAIRN_ASSIGN_OR_RETURN(attachments, ListAttachments(context.client, checkpoint));
  }
  if (context.output.json()) {
    PrintDocument(checkpoint, tensors, attachments, arguments.values, context.output);
    return absl::OkStatus();
  }
  PrintTable(tensors, arguments.values, context.output);
  if (attachments.has_value()) PrintAttachments(*attachments, tensors.empty(), context.output);
  return absl::OkStatus();
}

}  // namespace cairn::cli
