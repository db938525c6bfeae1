// The object graphs of checkpoints.
#ifndef CAIRN_SERVER_OBJECT_GRAPHS_H_
#define CAIRN_SERVER_OBJECT_GRAPHS_H_

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "formats/object_graph/object_graph.h"
#include "formats/object_graph/object_paths.h"
#include "storage/store.h"

namespace cairn::server {

// Reads them from the store. Thread-safe.
class ObjectGraphs {
 public:
  // `store` is not owned and outlives this. Keeps the graphs used last, up to `cache_bytes` of
  // them: a checkpoint never changes, and every page of a list asks for its graph.
  explicit ObjectGraphs(storage::Store* store, size_t cache_bytes = 64 << 20)
      : store_(store), cache_bytes_(cache_bytes) {}

  // The graph of a checkpoint of `directory`. Errors: kNotFound with reason TENSOR_NOT_FOUND (it
  // was saved without one), kInvalidArgument with reason BAD_FILE (what it has is no graph).
  absl::StatusOr<formats::TrackableObjectGraph> Read(absl::string_view directory,
                                                     const storage::CheckpointRecord& checkpoint);

  // The same as the checkpoint has it, serialized. Errors: kNotFound, as Read.
  absl::StatusOr<std::string> ReadSerialized(absl::string_view directory,
                                             const storage::CheckpointRecord& checkpoint);

  // The same, laid out for walks.
  absl::StatusOr<std::shared_ptr<const ObjectPaths>> Paths(
      absl::string_view directory, const storage::CheckpointRecord& checkpoint);

 private:
  struct Kept {
    std::string uid;
    std::shared_ptr<const ObjectPaths> paths;
  };

  std::shared_ptr<const ObjectPaths> Find(const std::string& uid);
  void Keep(const std::string& uid, std::shared_ptr<const ObjectPaths> paths);

  storage::Store* const store_;
  const size_t cache_bytes_;
  Mutex loading_;  // held while a graph is parsed, which takes many times its bytes; before mutex_
  Mutex mutex_;
  std::list<Kept> kept_ CAIRN_GUARDED_BY(mutex_);  // the one used last first
  std::map<std::string, std::list<Kept>::iterator> by_uid_ CAIRN_GUARDED_BY(mutex_);
  size_t kept_bytes_ CAIRN_GUARDED_BY(mutex_) = 0;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OBJECT_GRAPHS_H_
