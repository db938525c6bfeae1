// A TensorFlow checkpoint of the format before bundles (V1) on disk as something to save.
#ifndef CAIRN_CLIENT_CLI_V1_SOURCE_H_
#define CAIRN_CLIENT_CLI_V1_SOURCE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"
#include "client/save.h"
#include "formats/checkpoint_v1/v1_reader.h"
#include "formats/tensor_bundle/bundle_path.h"

namespace cairn::cli {

// Memory: the tensors' descriptions. Everything else, strings too, is read while it is sent and
// compared with the sum that was made when the file was opened.
class V1Source : public CheckpointSource {
 public:
  // Requires: found.is_v1(). `file_system` is not owned and outlives this. Errors: those of
  // V1Reader::Open.
  static absl::StatusOr<std::unique_ptr<V1Source>> Open(FileSystem* file_system,
                                                        const BundlePath& found);

  // In TensorFlow's order of names, those of a tensor in order of their boxes.
  absl::Span<const SliceToSave> slices() const override { return slices_; }

 private:
  V1Source(std::unique_ptr<V1Reader> reader, SourceIdentity identity);
  void AddSlices();

  const std::unique_ptr<V1Reader> reader_;
  std::vector<SliceToSave> slices_;
  std::vector<std::unique_ptr<SliceSource>> sources_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_V1_SOURCE_H_
