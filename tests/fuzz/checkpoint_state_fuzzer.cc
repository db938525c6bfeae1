// A folder's state file: what is parsed and printed means the same when it is parsed again.
#include <string>

#include "base/error.h"
#include "formats/checkpoint_state/checkpoint_state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = cairn::ParseCheckpointState(text);
  if (!state.ok()) return 0;
  const std::string printed = cairn::PrintCheckpointState(*state);
  const auto again = cairn::ParseCheckpointState(printed);
  CAIRN_CHECK(again.ok() && cairn::PrintCheckpointState(*again) == printed);
  return 0;
}
