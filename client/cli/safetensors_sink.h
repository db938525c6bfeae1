// Restores into a safetensors file.
#ifndef CAIRN_CLIENT_CLI_SAFETENSORS_SINK_H_
#define CAIRN_CLIENT_CLI_SAFETENSORS_SINK_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/file_system.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/safetensors_plan.h"
#include "formats/safetensors/writer.h"

namespace cairn::cli {

// Bytes go to their place in the file as they arrive, whatever the slices that they are of; those
// of tensors that the plan leaves out are dropped.
class SafetensorsSink : public CheckpointSink {
 public:
  // `file_system` is not owned. `force`: replaces a file that is there.
  // Errors: those of SafetensorsWriter::Create.
  static absl::StatusOr<std::unique_ptr<SafetensorsSink>> Create(FileSystem* file_system,
                                                                 const std::string& path,
                                                                 SafetensorsPlan plan, bool force);

  std::vector<v1::Selector> selectors() const override { return plan_.selectors; }
  RestoreTotals totals() const override { return plan_.totals; }
  absl::Status Begin(const v1::OpenRestoreResponse& restore) override;
  // Errors: kInternal (the tensor is not as it was planned), those of SafetensorsWriter::WriteAt.
  absl::Status Write(const ArrivedPart& part) override;
  absl::Status Finish() override { return writer_->Finish(); }

 private:
  explicit SafetensorsSink(SafetensorsPlan plan);
  absl::Status WriteRanges(size_t tensor, int64_t offset,
                           absl::Span<const absl::string_view> ranges);

  const SafetensorsPlan plan_;
  std::map<absl::string_view, size_t> tensor_of_key_;
  std::unique_ptr<SafetensorsWriter> writer_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAFETENSORS_SINK_H_
