#include "client/cli/open_source.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "base/error.h"
#include "client/cli/bundle_source.h"
#include "client/cli/meta_graph.h"
#include "client/cli/safetensors_source.h"
#include "client/cli/saved_model_source.h"
#include "client/cli/v1_source.h"
#include "formats/safetensors/safetensors_path.h"
#include "formats/tensor_bundle/bundle_path.h"

namespace cairn::cli {
namespace {

// The safetensors file or index that `path` means; empty if that is something else. A folder means
// one when nothing of TensorFlow's is in it.
absl::StatusOr<std::string> SafetensorsAt(FileSystem* file_system, const std::string& path) {
  if (!file_system->IsFolder(path)) {
    return IsSafetensorsFile(path) || IsSafetensorsIndex(path) ? path : "";
  }
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->ListFolder(path));
  const bool has_tensorflow = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "checkpoint" || absl::StartsWith(name, "saved_model.pb") ||
           absl::EndsWith(name, ".index");
  });
  if (has_tensorflow) return "";
  return FindSafetensors(file_system, path);
}

// What TensorFlow wrote, a bundle or a V1 checkpoint.
absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenTensors(FileSystem* file_system,
                                                              const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const BundlePath found, ResolveBundlePath(file_system, path));
  if (found.is_v1()) return V1Source::Open(file_system, found);
  return BundleSource::Open(file_system, found);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenCheckpointSource(FileSystem* file_system,
                                                                       const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const std::string safetensors, SafetensorsAt(file_system, path));
  if (!safetensors.empty()) return SafetensorsSource::Open(file_system, safetensors);
  if (const std::string folder = SavedModelFolderAt(file_system, path); !folder.empty()) {
    return OpenSavedModel(file_system, folder);
  }
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<CheckpointSource> tensors, OpenTensors(file_system, path));
  return WithMetaGraph(file_system, std::move(tensors));
}

}  // namespace cairn::cli
