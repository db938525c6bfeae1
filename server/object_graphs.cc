#include "server/object_graphs.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/convert.h"
#include "server/slice_collect.h"

namespace cairn::server {
namespace {

// In front of the one string of a scalar.
constexpr size_t kLengthBytes = 8;

absl::Status NoGraph(absl::string_view reference) {
  return MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat(reference,
                                " holds no object graph: it was not saved with the "
                                "objects of a program; ListTensors shows its keys"),
                   {{"selector", kObjectGraphKey}});
}

}  // namespace

absl::StatusOr<std::string> ObjectGraphs::ReadSerialized(
    absl::string_view directory, const storage::CheckpointRecord& checkpoint) {
  constexpr auto kKind = storage::TensorKind::kTensor;
  absl::StatusOr<storage::TensorInfo> tensor =
      store_->GetTensor(checkpoint, kKind, kObjectGraphKey);
  if (absl::IsNotFound(tensor.status())) return NoGraph(ReferenceOf(directory, checkpoint));
  CAIRN_RETURN_IF_ERROR(tensor.status());
  if (tensor->dtype != "string" || !tensor->shape.empty()) {
    return NoGraph(ReferenceOf(directory, checkpoint));
  }
  storage::Selector selector;
  selector.kind = kKind;
  selector.key = kObjectGraphKey;
  CAIRN_ASSIGN_OR_RETURN(std::vector<SliceBytes> slices,
                         CollectSlices(store_, directory, checkpoint, selector,
                                       kMaxObjectGraphBytes + kLengthBytes + 1));
  if (slices.size() != 1 || slices[0].bytes.size() < kLengthBytes) {
    return NoGraph(ReferenceOf(directory, checkpoint));
  }
  return slices[0].bytes.substr(kLengthBytes);
}

absl::StatusOr<formats::TrackableObjectGraph> ObjectGraphs::Read(
    absl::string_view directory, const storage::CheckpointRecord& checkpoint) {
  CAIRN_ASSIGN_OR_RETURN(const std::string bytes, ReadSerialized(directory, checkpoint));
  CAIRN_ASSIGN_OR_RETURN(formats::TrackableObjectGraph graph, ParseObjectGraph(bytes),
                         absl::StrCat("the object graph of ", ReferenceOf(directory, checkpoint)));
  return graph;
}

absl::StatusOr<std::shared_ptr<const ObjectPaths>> ObjectGraphs::Paths(
    absl::string_view directory, const storage::CheckpointRecord& checkpoint) {
  if (std::shared_ptr<const ObjectPaths> found = Find(checkpoint.uid())) return found;
  MutexLock loading(&loading_);
  // Another call may have loaded it meanwhile.
  if (std::shared_ptr<const ObjectPaths> found = Find(checkpoint.uid())) return found;
  CAIRN_ASSIGN_OR_RETURN(const formats::TrackableObjectGraph graph, Read(directory, checkpoint));
  auto paths = std::make_shared<const ObjectPaths>(graph);
  Keep(checkpoint.uid(), paths);
  return paths;
}

std::shared_ptr<const ObjectPaths> ObjectGraphs::Find(const std::string& uid) {
  MutexLock lock(&mutex_);
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return kept_.front().paths;
}

void ObjectGraphs::Keep(const std::string& uid, std::shared_ptr<const ObjectPaths> paths) {
  if (paths->bytes() > cache_bytes_) return;
  MutexLock lock(&mutex_);
  kept_bytes_ += paths->bytes();
  kept_.push_front({uid, std::move(paths)});
  by_uid_[uid] = kept_.begin();
  while (kept_bytes_ > cache_bytes_) {
    kept_bytes_ -= kept_.back().paths->bytes();
    by_uid_.erase(kept_.back().uid);
    kept_.pop_back();
  }
}

}  // namespace cairn::server
