#include "client/cli/open_source.h"

#include "client/cli/bundle_source.h"

namespace cairn::cli {

absl::StatusOr<std::unique_ptr<CheckpointSource>> OpenCheckpointSource(FileSystem* file_system,
                                                                       const std::string& path) {
  return BundleSource::Open(file_system, path);
}

}  // namespace cairn::cli
