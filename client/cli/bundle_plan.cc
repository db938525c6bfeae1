#include "client/cli/bundle_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/fetch.h"
#include "formats/object_graph/object_graph.h"
#include "formats/tensor_bundle/dtype_map.h"
#include "formats/tensor_bundle/string_tensor.h"
#include "formats/tensor_bundle/variant_tensor.h"

namespace cairn::cli {
namespace {

using TensorMap = std::map<std::string, v1::Tensor>;

// A scalar string in our layout: its length, then its bytes.
constexpr size_t kLengthBytes = 8;

std::vector<int64_t> ShapeOf(const v1::Tensor& tensor) {
  return {tensor.shape().begin(), tensor.shape().end()};
}

// What a TensorFlow file cannot hold as one whole tensor, or we cannot write yet.
absl::Status CheckWritable(const v1::Tensor& tensor) {
  if (tensor.slice_count() == 1 && !tensor.partial()) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_NOT_YET, absl::StatusCode::kUnimplemented,
      absl::StrCat("cannot write tensor ", tensor.key(), ", saved as ", tensor.slice_count(),
                   " slices: sliced tensors are not yet supported in TensorFlow files"),
      {{"feature", "sliced tensors"}, {"key", tensor.key()}});
}

// How the data file holds a tensor of our dtype `name`.
BundleEncoding EncodingOf(absl::string_view name) {
  const std::optional<int32_t> number = BundleDtypeNumber(name);
  if (!number.has_value()) return BundleEncoding::kPlain;  // BundleWriter refuses it, saying why
  const std::optional<BundleDtype> dtype = BundleDtypeFromNumber(*number);
  return dtype.has_value() ? dtype->encoding : BundleEncoding::kPlain;
}

bool IsEncoded(const v1::Tensor& tensor) {
  const BundleEncoding encoding = EncodingOf(tensor.dtype());
  return encoding == BundleEncoding::kString || encoding == BundleEncoding::kVariant;
}

bool IsObjectGraph(const v1::Tensor& tensor) {
  return tensor.key() == kObjectGraphKey && tensor.dtype() == "string" && tensor.shape().empty();
}

// The object graph belongs to every selection, if there is one.
absl::Status AddObjectGraph(Client& client, const v1::Checkpoint& checkpoint, TensorMap* tensors) {
  v1::GetTensorRequest request;
  request.set_directory(checkpoint.directory());
  request.set_checkpoint(PinnedReference(checkpoint));
  request.set_key(kObjectGraphKey);
  request.set_view(v1::TENSOR_VIEW_BASIC);
  absl::StatusOr<v1::Tensor> graph = client.connection().GetTensor(request);
  if (ReasonOf(graph.status()) == ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND) {
    return absl::OkStatus();
  }
  CAIRN_RETURN_IF_ERROR(graph.status());
  tensors->emplace(kObjectGraphKey, *std::move(graph));
  return absl::OkStatus();
}

// `bytes`, a graph in our layout of strings, without the tensors that are not in `kept`.
absl::StatusOr<std::string> PruneGraph(const std::string& bytes, const TensorMap& kept) {
  if (bytes.size() < kLengthBytes) {
    return absl::InvalidArgumentError("the object graph is not a string");
  }
  CAIRN_ASSIGN_OR_RETURN(
      const std::string pruned,
      PruneObjectGraph(absl::string_view(bytes).substr(kLengthBytes), [&](absl::string_view key) {
        return kept.contains(KeyTextFromBytes(key));
      }));
  std::string result;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    result += static_cast<char>(static_cast<uint64_t>(pruned.size()) >> (8 * i));
  }
  return result + pruned;
}

absl::StatusOr<EncodedTensor> Encode(const v1::Tensor& tensor, std::string bytes) {
  CAIRN_ASSIGN_OR_RETURN(const int64_t count, ElementCount(ShapeOf(tensor)));
  if (EncodingOf(tensor.dtype()) == BundleEncoding::kVariant) {
    CAIRN_ASSIGN_OR_RETURN(const uint32_t crc32c, VariantTensorCrc32c(bytes, count));
    return EncodedTensor{std::move(bytes), crc32c};
  }
  CAIRN_ASSIGN_OR_RETURN(EncodedStrings strings, EncodeStringTensor(bytes, count));
  return EncodedTensor{std::move(strings.bytes), strings.crc32c};
}

}  // namespace

absl::StatusOr<BundlePlan> PlanBundle(Client& client, const v1::Checkpoint& checkpoint,
                                      const TensorSelection& selection) {
  CAIRN_ASSIGN_OR_RETURN(TensorMap tensors, ListSelected(client, checkpoint, selection));
  if (!selection.everything()) {
    CAIRN_RETURN_IF_ERROR(AddObjectGraph(client, checkpoint, &tensors));
  }
  std::vector<v1::Tensor> to_fetch;
  for (const auto& [key, tensor] : tensors) {
    CAIRN_RETURN_IF_ERROR(CheckWritable(tensor));
    if (IsEncoded(tensor)) to_fetch.push_back(tensor);
  }
  CAIRN_ASSIGN_OR_RETURN(auto fetched, FetchTensors(client, checkpoint, to_fetch));

  BundlePlan plan;
  plan.selectors = SelectorsOf(selection);
  plan.entries.reserve(tensors.size());
  for (const auto& [key, tensor] : tensors) {
    BundlePlan::Entry entry;
    entry.tensor = {key, tensor.dtype(), ShapeOf(tensor), tensor.logical_bytes()};
    entry.logical_bytes = tensor.logical_bytes();
    if (const auto found = fetched.find(key); found != fetched.end()) {
      std::string bytes = std::move(found->second);
      if (IsObjectGraph(tensor) && !selection.everything()) {
        CAIRN_ASSIGN_OR_RETURN(bytes, PruneGraph(bytes, tensors), absl::StrCat("tensor ", key));
      }
      entry.logical_bytes = static_cast<int64_t>(bytes.size());
      CAIRN_ASSIGN_OR_RETURN(entry.encoded, Encode(tensor, std::move(bytes)),
                             absl::StrCat("tensor ", key));
      entry.tensor.size_bytes = static_cast<int64_t>(entry.encoded->bytes.size());
    }
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

}  // namespace cairn::cli
