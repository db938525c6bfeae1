#include "client/cli/open_source.h"

#include "base/error.h"
#include "client/cli/bundle_source.h"
#include "client/cli/v1_source.h"
#include "formats/tensor_bundle/bundle_path.h"

namespace cairn::cli {
namespace {

// What TensorFlow wrote, a bundle or a V1 checkpoint.
absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenTensors(FileSystem* file_system,
                                                              const std::string& path) {
  CAIRN_ASSIGN_OR_RETURN(const BundlePath found, ResolveBundlePath(file_system, path));
  if (found.is_v1()) return V1Source::Open(file_system, found);
  return BundleSource::Open(file_system, path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenCheckpointSource(FileSystem* file_system,
                                                                       const std::string& path) {
  return OpenTensors(file_system, path);
}

}  // namespace cairn::cli
