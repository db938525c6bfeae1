// An object graph, which a part restore prunes. The first byte chooses which keys are kept.
#include <string>

#include "base/crc32c.h"
#include "base/error.h"
#include "formats/object_graph/object_graph.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  const uint8_t salt = input.TakeByte();
  const absl::string_view bytes = input.TakeRest();
  const auto kept = [salt](absl::string_view key) { return (cairn::Crc32c(key) & salt) == 0; };

  const auto graph = cairn::ParseObjectGraph(bytes);
  const auto pruned = cairn::PruneObjectGraph(bytes, kept);
  CAIRN_CHECK(graph.ok() == pruned.ok());
  if (!pruned.ok()) return 0;
  const auto parsed = cairn::ParseObjectGraph(*pruned);
  CAIRN_CHECK(parsed.ok() && parsed->nodes_size() == graph->nodes_size());
  for (const auto& node : parsed->nodes()) {
    for (const auto& attribute : node.attributes()) CAIRN_CHECK(kept(attribute.checkpoint_key()));
  }
  return 0;
}
