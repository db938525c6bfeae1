// What the object paths of one request select.
#ifndef CAIRN_SERVER_OBJECT_SELECTOR_H_
#define CAIRN_SERVER_OBJECT_SELECTOR_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/object_graph/object_paths.h"
#include "server/object_graphs.h"
#include "storage/store.h"

namespace cairn::server {

// Keys of all objects that one request names, together.
inline constexpr size_t kMaxObjectKeyBytes = 64 << 20;

// Resolves the paths of one request in the object graph of one checkpoint. One thread only.
class ObjectSelector {
 public:
  // Reads nothing before the first path. `graphs` is not owned; all arguments outlive this.
  ObjectSelector(ObjectGraphs* graphs, absl::string_view directory,
                 const storage::CheckpointRecord& checkpoint)
      : graphs_(graphs), directory_(directory), checkpoint_(checkpoint) {}

  // The keys of everything at or below the object at `path`; the checkpoint need not have them all.
  // Errors: those of ObjectGraphs and of ObjectPaths; kResourceExhausted (too many keys).
  absl::StatusOr<std::shared_ptr<const storage::KeySet>> KeysBelow(const std::string& path);

 private:
  ObjectGraphs* const graphs_;
  const absl::string_view directory_;
  const storage::CheckpointRecord& checkpoint_;
  std::shared_ptr<const ObjectPaths> paths_;
  std::map<std::string, std::shared_ptr<const storage::KeySet>> found_;  // by path
  int64_t steps_ = kObjectPathSteps;
  size_t bytes_ = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OBJECT_SELECTOR_H_
