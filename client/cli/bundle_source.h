// A TensorFlow checkpoint on disk as something to save.
#ifndef CAIRN_CLIENT_CLI_BUNDLE_SOURCE_H_
#define CAIRN_CLIENT_CLI_BUNDLE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"
#include "client/save.h"
#include "formats/tensor_bundle/bundle_path.h"
#include "formats/tensor_bundle/bundle_reader.h"

namespace cairn::cli {

// Memory: the descriptions, and the strings and variants, whose sum and size in our layout only
// their bytes tell. Everything else is read while it is sent and compared with the sum in the file;
// numbers of a big-endian file are read and verified in Open as well, since turning their bytes
// around changes the sum.
class BundleSource : public CheckpointSource {
 public:
  // `path` as ResolveBundlePath has it. `file_system` is not owned and outlives this.
  // Errors: those of ResolveBundlePath, BundleReader::Open and BundleReader::ReadWhole.
  static absl::StatusOr<std::unique_ptr<BundleSource>> Open(FileSystem* file_system,
                                                            const std::string& path);
  // The same for a path that is resolved. Requires: it is no V1 checkpoint.
  static absl::StatusOr<std::unique_ptr<BundleSource>> Open(FileSystem* file_system,
                                                            const BundlePath& found);

  // In TensorFlow's order of keys, those of a tensor in order of their boxes.
  absl::Span<const SliceToSave> slices() const override { return slices_; }

 private:
  BundleSource(std::unique_ptr<BundleReader> reader, SourceIdentity identity);
  absl::Status AddSlices();
  absl::Status AddSlice(const BundleTensor& tensor, const BundleSlice& slice);

  const std::unique_ptr<BundleReader> reader_;
  std::vector<SliceToSave> slices_;
  std::vector<std::unique_ptr<SliceSource>> sources_;
  std::vector<std::unique_ptr<std::string>> in_memory_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_BUNDLE_SOURCE_H_
