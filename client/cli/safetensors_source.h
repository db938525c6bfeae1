// A safetensors file, or several with an index, as something to save.
#ifndef CAIRN_CLIENT_CLI_SAFETENSORS_SOURCE_H_
#define CAIRN_CLIENT_CLI_SAFETENSORS_SOURCE_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_source.h"
#include "client/save.h"
#include "formats/safetensors/reader.h"

namespace cairn::cli {

// Memory: the tensors' descriptions, the metadata and the index. Tensors are read while they are
// sent.
class SafetensorsSource : public CheckpointSource {
 public:
  // `path` as SafetensorsReader::Open has it. `file_system` is not owned and outlives this.
  // Errors: those of SafetensorsReader::Open.
  static absl::StatusOr<std::unique_ptr<SafetensorsSource>> Open(FileSystem* file_system,
                                                                 const std::string& path);

  // Whole tensors, and the attachments of safetensors_metadata.h. Live as long as this.
  absl::Span<const SliceToSave> slices() const override { return slices_; }

 private:
  SafetensorsSource(std::unique_ptr<SafetensorsReader> reader, SourceIdentity identity);
  void AddTensors();
  void AddMetadata();
  void AddAttachment(const std::string& name, std::string bytes);

  const std::unique_ptr<SafetensorsReader> reader_;
  std::vector<SliceToSave> slices_;
  std::vector<std::unique_ptr<SliceSource>> sources_;
  std::deque<std::string> in_memory_;  // of attachments
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAFETENSORS_SOURCE_H_
