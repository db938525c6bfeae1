#include "client/cli/bundle_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/error.h"
#include "base/key_text.h"
#include "client/cli/fetch.h"
#include "client/slice_box.h"
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

// Asks how the tensors that were saved in several slices are cut.
absl::Status AddSlices(Client& client, const v1::Checkpoint& checkpoint, TensorMap* tensors) {
  for (auto& [key, tensor] : *tensors) {
    if (tensor.slice_count() == 1 && !tensor.partial()) continue;
    v1::GetTensorRequest request;
    request.set_directory(checkpoint.directory());
    request.set_checkpoint(PinnedReference(checkpoint));
    request.set_key(key);
    request.set_view(v1::TENSOR_VIEW_FULL);
    CAIRN_ASSIGN_OR_RETURN(tensor, client.connection().GetTensor(request));
  }
  return absl::OkStatus();
}

// Its slices, ascending. Those without elements mean nothing, and TensorFlow refuses them: a tensor
// without elements is written whole, however it was saved.
absl::StatusOr<PlannedTensor> PlanTensor(const v1::Tensor& tensor) {
  const bool listed = tensor.slice_count() != 1 || tensor.partial();
  const std::vector<int64_t> shape = ShapeOf(tensor);
  CAIRN_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(shape));
  if (!listed || elements == 0) {
    return PlannedWhole(tensor.key(), tensor.dtype(), shape, tensor.logical_bytes());
  }
  PlannedTensor planned = {tensor.key(), tensor.dtype(), shape, {}};
  planned.slices.reserve(tensor.slices_size());
  for (const v1::StoredSlice& slice : tensor.slices()) {
    CAIRN_ASSIGN_OR_RETURN(Box box, BoxOfSlice(slice.slice(), shape));
    CAIRN_ASSIGN_OR_RETURN(const OpenDimensions open, OpenDimensionsOf(slice));
    if (Volume(box) > 0) planned.slices.push_back({std::move(box), slice.bytes(), open});
  }
  std::sort(planned.slices.begin(), planned.slices.end(),
            [](const PlannedSlice& a, const PlannedSlice& b) { return a.box < b.box; });
  return planned;
}

// A tensor and why TensorFlow's files cannot hold it.
struct Unsupported {
  std::string key;
  std::string reason;
};

std::vector<Unsupported> FindUnsupported(const std::vector<PlannedTensor>& tensors) {
  std::vector<Unsupported> found;
  for (const PlannedTensor& tensor : tensors) {
    if (!BundleDtypeNumber(tensor.dtype).has_value()) {
      found.push_back({tensor.key, absl::StrCat("TensorFlow has no dtype ", tensor.dtype)});
    } else if (tensor.slices.empty()) {
      found.push_back({tensor.key, "none of its elements was saved"});
    }
  }
  return found;
}

absl::Status UnsupportedError(const v1::Checkpoint& checkpoint,
                              const std::vector<Unsupported>& found) {
  constexpr size_t kNamed = 10;
  std::string names;
  for (size_t i = 0; i < std::min(found.size(), kNamed); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", found[i].key, " (", found[i].reason, ")");
  }
  if (found.size() > kNamed) absl::StrAppend(&names, " and ", found.size() - kNamed, " more");
  return InvalidField(
      "tensors", absl::StrCat("cannot write ", checkpoint.reference(),
                              " as TensorFlow's files, which cannot hold ", names,
                              "; restore other tensors or to another format, or leave these out "
                              "(--skip-unsupported)"));
}

// The bytes and the checksum of one slice, from its bytes in our layout.
absl::Status Encode(const PlannedTensor& tensor, std::string bytes, EncodedSlice* encoded) {
  const int64_t count = Volume(tensor.slices[encoded->number.slice].box);
  if (EncodingOf(tensor.dtype) == BundleEncoding::kVariant) {
    CAIRN_ASSIGN_OR_RETURN(encoded->crc32c, VariantTensorCrc32c(bytes, count));
    encoded->bytes = std::move(bytes);
    return absl::OkStatus();
  }
  CAIRN_ASSIGN_OR_RETURN(EncodedStrings strings, EncodeStringTensor(bytes, count));
  encoded->bytes = std::move(strings.bytes);
  encoded->crc32c = strings.crc32c;
  return absl::OkStatus();
}

// Plans the slices of tensor `number` from what was fetched of it.
absl::Status EncodeTensor(size_t number, std::map<Box, std::string>& fetched, BundlePlan* plan) {
  PlannedTensor& tensor = plan->tensors[number];
  for (size_t i = 0; i < tensor.slices.size(); ++i) {
    PlannedSlice& slice = tensor.slices[i];
    const auto found = fetched.find(slice.box);
    if (found == fetched.end() && Volume(slice.box) > 0) {
      return absl::InternalError(
          absl::StrCat("the server sent nothing of slice ", ToString(slice.box)));
    }
    std::string bytes = found == fetched.end() ? "" : std::move(found->second);
    EncodedSlice& encoded = plan->encoded.emplace_back();
    encoded.number = {number, i};
    CAIRN_RETURN_IF_ERROR(Encode(tensor, std::move(bytes), &encoded));
    slice.size_bytes = static_cast<int64_t>(encoded.bytes.size());
  }
  return absl::OkStatus();
}

// Fetches and encodes what is written from memory.
absl::Status EncodeTensors(Client& client, const v1::Checkpoint& checkpoint,
                           const TensorMap& tensors, bool prune, BundlePlan* plan) {
  std::vector<v1::Tensor> to_fetch;
  for (const auto& [key, tensor] : tensors) {
    if (IsEncoded(tensor)) to_fetch.push_back(tensor);
  }
  CAIRN_ASSIGN_OR_RETURN(FetchedSlices fetched, FetchSlices(client, checkpoint, to_fetch));
  for (size_t i = 0; i < plan->tensors.size(); ++i) {
    const std::string& key = plan->tensors[i].key;
    const auto found = fetched.find(key);
    if (found == fetched.end()) continue;
    if (prune && IsObjectGraph(tensors.at(key))) {
      std::string& graph = found->second[Box()];
      const int64_t before = static_cast<int64_t>(graph.size());
      CAIRN_ASSIGN_OR_RETURN(graph, PruneGraph(graph, tensors), absl::StrCat("tensor ", key));
      plan->totals.bytes += static_cast<int64_t>(graph.size()) - before;
    }
    CAIRN_RETURN_IF_ERROR(EncodeTensor(i, found->second, plan), absl::StrCat("tensor ", key));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BundlePlan> PlanBundle(Client& client, const v1::Checkpoint& checkpoint,
                                      const TensorSelection& selection, bool skip_unsupported) {
  CAIRN_ASSIGN_OR_RETURN(TensorMap tensors, ListSelected(client, checkpoint, selection));
  if (!selection.everything()) {
    CAIRN_RETURN_IF_ERROR(AddObjectGraph(client, checkpoint, &tensors));
  }
  CAIRN_RETURN_IF_ERROR(AddSlices(client, checkpoint, &tensors));
  BundlePlan plan;
  plan.selectors = SelectorsOf(selection);
  plan.tensors.reserve(tensors.size());
  for (const auto& [key, tensor] : tensors) {
    CAIRN_ASSIGN_OR_RETURN(PlannedTensor planned, PlanTensor(tensor), absl::StrCat("tensor ", key));
    plan.tensors.push_back(std::move(planned));
  }
  const std::vector<Unsupported> unsupported = FindUnsupported(plan.tensors);
  if (!unsupported.empty() && !skip_unsupported) return UnsupportedError(checkpoint, unsupported);
  for (const Unsupported& tensor : unsupported) {
    plan.skipped.insert(tensor.key);
    tensors.erase(tensor.key);
  }
  std::erase_if(plan.tensors, [&](const auto& t) { return plan.skipped.contains(t.key); });
  plan.totals.tensors = static_cast<int64_t>(tensors.size());
  for (const auto& [key, tensor] : tensors) plan.totals.bytes += tensor.logical_bytes();
  const bool prune = !selection.everything() || !plan.skipped.empty();
  CAIRN_RETURN_IF_ERROR(EncodeTensors(client, checkpoint, tensors, prune, &plan));
  return plan;
}

}  // namespace cairn::cli
