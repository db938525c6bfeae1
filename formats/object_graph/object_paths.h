// Finds what lies below an object of a saved program by the object's path, whatever keys it was
// saved under: Keras 3 saves a model's weights as `optimizer/_trainable_variables/3`, which no
// prefix of a key finds.
#ifndef CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_PATHS_H_
#define CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_PATHS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/object_graph/object_graph.pb.h"

namespace cairn {

// Nodes and edges that a caller may want to let one request visit: a second's work, and hundreds of
// times what the graphs of large models have.
inline constexpr int64_t kObjectPathSteps = 100'000'000;

// An object graph, laid out for walks from its root. Immutable, so safe to share between threads.
class ObjectPaths {
 public:
  // `graph` is not kept. Requires: ParseObjectGraph made it.
  explicit ObjectPaths(const formats::TrackableObjectGraph& graph);

  // The checkpoint keys of every value at or below the object at `path`, in text form, sorted, each
  // once. Slot variables lie below the optimizer that owns them.
  //
  // A path is names joined by '/', each as TensorFlow writes it inside a key ("." is "..", "/" is
  // ".S"), in the text form of keys; empty is the root. A name is that of an edge; where no edge
  // bears it, the own name of a variable right there ("kernel" for `_kernel`, from its full_name
  // "l1/kernel"); where none has that, the scope in which the variables of objects further below
  // were made, which for Keras is their layer's name ("l1"). Several objects of one name are
  // united.
  //
  // `steps` is lowered by the nodes and edges visited. Errors: kInvalidArgument (not a path),
  // kNotFound with reason TENSOR_NOT_FOUND (no such object, the names at the deepest one that is
  // there are told; one without values), kResourceExhausted (no steps are left).
  absl::StatusOr<std::vector<std::string>> KeysBelow(absl::string_view path, int64_t* steps) const;

  // Memory that this takes, about.
  size_t bytes() const;

 private:
  class Walk;
  struct Edge {
    uint32_t name;  // in names_
    uint32_t node;
  };
  // Lists of all nodes, one behind the other: those of node i begin at begin[i].
  template <typename T>
  struct Lists {
    std::vector<uint32_t> begin;
    std::vector<T> items;
  };

  void AddNames(const formats::TrackableObjectGraph& graph);
  void AddEdges(const formats::TrackableObjectGraph& graph);
  void AddValues(const formats::TrackableObjectGraph& graph);
  size_t node_count() const { return own_name_.size(); }

  std::vector<std::string> names_;   // of edges and variables; sorted
  std::vector<std::string> scopes_;  // sorted
  std::vector<std::string> keys_;    // in text form; sorted
  Lists<Edge> edges_;                // by name
  Lists<uint32_t> slots_;            // nodes of slot variables
  Lists<uint32_t> values_;           // in keys_
  std::vector<uint32_t> own_name_;   // of a variable, in names_; or kNone
  std::vector<uint32_t> scope_;      // of an object whose own variables agree on it, or kNone
  std::vector<bool> has_values_;     // at or below it, as far as the graph says
};

}  // namespace cairn

#endif  // CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_PATHS_H_
