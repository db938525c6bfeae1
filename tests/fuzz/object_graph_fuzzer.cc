// An object graph, which a part restore prunes and object paths are walked in. The first byte
// chooses which keys are kept.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/error.h"
#include "formats/object_graph/object_graph.h"
#include "formats/object_graph/object_paths.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

bool IsSortedOnce(const std::vector<std::string>& keys) {
  return std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>()) == keys.end();
}

// What lies below an object lies below the root.
void CheckPaths(const cairn::formats::TrackableObjectGraph& graph) {
  const cairn::ObjectPaths paths(graph);
  int64_t steps = cairn::kObjectPathSteps;
  const auto all = paths.KeysBelow("", &steps);
  CAIRN_CHECK(!all.ok() || IsSortedOnce(*all));
  if (graph.nodes().empty()) return;
  for (const auto& child : graph.nodes(0).children()) {
    const auto some = paths.KeysBelow(child.local_name(), &steps);
    if (!some.ok()) continue;
    CAIRN_CHECK(IsSortedOnce(*some) && all.ok());
    CAIRN_CHECK(std::includes(all->begin(), all->end(), some->begin(), some->end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  const uint8_t salt = input.TakeByte();
  const absl::string_view bytes = input.TakeRest();
  const auto kept = [salt](absl::string_view key) { return (cairn::Crc32c(key) & salt) == 0; };

  const auto graph = cairn::ParseObjectGraph(bytes);
  const auto pruned = cairn::PruneObjectGraph(bytes, kept);
  CAIRN_CHECK(graph.ok() == pruned.ok());
  if (!pruned.ok()) return 0;
  CheckPaths(*graph);
  const auto parsed = cairn::ParseObjectGraph(*pruned);
  CAIRN_CHECK(parsed.ok() && parsed->nodes_size() == graph->nodes_size());
  for (const auto& node : parsed->nodes()) {
    for (const auto& attribute : node.attributes()) {
      const std::string& key = attribute.checkpoint_key();
      CAIRN_CHECK(kept(key) || (kept(key + "-keys") && kept(key + "-values")) ||
                  kept(key + "_STATE"));
    }
  }
  return 0;
}
