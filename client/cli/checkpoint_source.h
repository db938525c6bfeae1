// A checkpoint on disk as something to save, whatever its format.
#ifndef CAIRN_CLIENT_CLI_CHECKPOINT_SOURCE_H_
#define CAIRN_CLIENT_CLI_CHECKPOINT_SOURCE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "client/save.h"

namespace cairn::cli {

// What is known of a checkpoint besides its bytes.
struct SourceIdentity {
  std::string path;               // of the file, prefix or folder that was found, for messages
  std::optional<int64_t> number;  // 1000 for "model.ckpt-1000"
  // For the checkpoint that it becomes, such as {"tensorflow.prefix": "ckpt-10"}.
  std::map<std::string, std::string> annotations;
  std::string key_separator = "/";
};

// Immutable once made; thread-safe.
class CheckpointSource {
 public:
  virtual ~CheckpointSource() = default;

  const SourceIdentity& identity() const { return identity_; }
  // Tensors and attachments, each slice as the files have it. Live as long as this.
  virtual absl::Span<const SliceToSave> slices() const = 0;

 protected:
  explicit CheckpointSource(SourceIdentity identity) : identity_(std::move(identity)) {}

 private:
  const SourceIdentity identity_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_CHECKPOINT_SOURCE_H_
