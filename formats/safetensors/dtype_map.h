// The element types of safetensors and our names for them.
#ifndef CAIRN_FORMATS_SAFETENSORS_DTYPE_MAP_H_
#define CAIRN_FORMATS_SAFETENSORS_DTYPE_MAP_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace cairn {

struct SafetensorsDtype {
  // Ours. Those that pack several elements into a byte and those that are not known are opaque:
  // "safetensors:F4".
  std::string name;
  int bits;  // of an element; 0: not known
};

// What `name`, as a header has it ("F32"), means. nullopt: a name that we could not keep.
std::optional<SafetensorsDtype> SafetensorsDtypeFromName(absl::string_view name);

// The header's name for our dtype; nullopt if safetensors has none.
std::optional<std::string> SafetensorsDtypeName(absl::string_view dtype);

// The place of `name` in the order in which the reference implementation writes tensors: those of
// the highest rank come first, so that each begins at a multiple of its width. 0 for names that it
// does not know.
int SafetensorsRank(absl::string_view name);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_DTYPE_MAP_H_
