// Integers as LevelDB's tables and TensorFlow's data files hold them: little-endian of fixed width,
// or base-128 varints.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_CODING_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_CODING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace cairn {

// The integer of 1 to 8 bytes that `bytes` are.
uint64_t DecodeFixed(absl::string_view bytes);

// Takes an integer from the front of `bytes`; false, with `bytes` and `value` as they were, if
// there is none.
bool ConsumeFixed32(absl::string_view* bytes, uint32_t* value);
// Up to 10 bytes, not more than 64 bits.
bool ConsumeVarint(absl::string_view* bytes, uint64_t* value);

// The lowest `width` (1 to 8) bytes of `value`.
void AppendFixed(uint64_t value, int width, std::string* out);
void AppendVarint(uint64_t value, std::string* out);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_CODING_H_
