// The object graph that a TensorFlow 2 checkpoint carries beside its tensors.
#ifndef CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_GRAPH_H_
#define CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_GRAPH_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/object_graph/object_graph.pb.h"

namespace cairn {

// Key of the graph: a string scalar that holds a serialized TrackableObjectGraph. A checkpoint that
// has it is object-based, one that has not is name-based.
inline constexpr char kObjectGraphKey[] = "_CHECKPOINTABLE_OBJECT_GRAPH";

inline constexpr size_t kMaxObjectGraphBytes = size_t{64} << 20;
// Nodes, edges, attributes and other messages inside a graph, all together.
inline constexpr size_t kMaxObjectGraphParts = size_t{4} << 20;

// The graph, every node id in it within range.
// Errors: kInvalidArgument with ERROR_REASON_BAD_FILE (not a graph, a node id out of range, over a
// limit).
absl::StatusOr<formats::TrackableObjectGraph> ParseObjectGraph(absl::string_view bytes);

// What stands after an attribute's checkpoint_key in the keys of its tensors, each list a way of
// saving it: a variable is one tensor of that very key, a table is two and an iterator is one whose
// keys are longer than what the graph says.
inline constexpr std::array<std::array<absl::string_view, 2>, 3> kTensorKeySuffixes = {
    {{"", ""}, {"-keys", "-values"}, {"_STATE", "_STATE"}}};

// The graph in `bytes` without the attributes whose tensors `kept` refuses, so that TensorFlow
// restores the kept ones with `expect_partial()`: an attribute that names an absent tensor would
// fail the whole restore. Nodes stay, since their positions are their ids; slot variables that lost
// their value go from their optimizer, and has_checkpoint_values says what is still so. Errors:
// those of ParseObjectGraph.
absl::StatusOr<std::string> PruneObjectGraph(
    absl::string_view bytes, absl::FunctionRef<bool(absl::string_view tensor_key)> kept);

// The same for tensors that get other keys: `new_key` gives a tensor's, nullopt where it is left
// out. An attribute whose tensors do not keep their endings (kTensorKeySuffixes) goes as well.
absl::StatusOr<std::string> RenameObjectGraph(
    absl::string_view bytes,
    absl::FunctionRef<std::optional<std::string>(absl::string_view tensor_key)> new_key);

}  // namespace cairn

#endif  // CAIRN_FORMATS_OBJECT_GRAPH_OBJECT_GRAPH_H_
