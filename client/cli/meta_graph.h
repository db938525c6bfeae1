// The graph that a Saver of TensorFlow 1 writes beside a checkpoint: `<prefix>.meta`. In the store
// it is an attachment called by what is appended to the prefix.
#ifndef CAIRN_CLIENT_CLI_META_GRAPH_H_
#define CAIRN_CLIENT_CLI_META_GRAPH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "client/cli/attachment_writer.h"
#include "client/cli/checkpoint_sink.h"
#include "client/cli/checkpoint_source.h"

namespace cairn::cli {

inline constexpr char kMetaGraphName[] = ".meta";

// `source`, whose identity's path is a prefix, with the graph beside it if there is one.
// `file_system` is not owned and outlives the result. Errors: those of FileSystem::OpenForRead.
absl::StatusOr<std::unique_ptr<CheckpointSource>> WithMetaGraph(
    FileSystem* file_system, std::unique_ptr<CheckpointSource> source);

// What another sink writes, and `<prefix>.meta`, which takes its name just before.
class MetaGraphSink : public CheckpointSink {
 public:
  // `file_system` is not owned. `graph`: the attachment. `files`: for `prefix`, whose folder it has
  // made. `force`: replaces a graph of this prefix.
  // Errors: kAlreadyExists with ERROR_REASON_BAD_FILE (`<prefix>.meta` is there).
  static absl::StatusOr<std::unique_ptr<CheckpointSink>> Create(
      FileSystem* file_system, const std::string& prefix, const v1::Tensor& graph,
      std::unique_ptr<CheckpointSink> files, bool force);
  ~MetaGraphSink() override;

  std::vector<v1::Selector> selectors() const override;
  RestoreTotals totals() const override;
  absl::Status Begin(const v1::OpenRestoreResponse& restore) override;
  absl::Status Write(const ArrivedPart& part) override;
  absl::Status Finish() override;

 private:
  MetaGraphSink(FileSystem* file_system, const std::string& prefix, const v1::Tensor& graph,
                std::unique_ptr<CheckpointSink> files, bool force);
  absl::Status CheckFree() const;

  FileSystem* const file_system_;
  const std::string path_;
  const std::string temporary_;  // path
  const int64_t bytes_;
  const bool force_;
  const std::unique_ptr<CheckpointSink> files_;
  AttachmentWriter graph_;
  std::string unfinished_;  // what the destructor removes
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_META_GRAPH_H_
