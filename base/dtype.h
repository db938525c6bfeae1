// Element types, spelled as numpy and ml_dtypes spell them. A name that is not listed here and has
// the form "<origin>:<name>" ("tf:21") is opaque: its bytes are kept and returned as they came.
#ifndef CAIRN_BASE_DTYPE_H_
#define CAIRN_BASE_DTYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace cairn {

enum class DtypeClass {
  kBool,
  kSigned,    // int2 to int64; those below int8 take one byte an element
  kUnsigned,  // uint2 to uint64, likewise
  kReal,      // float64 down to the 8-bit floats and float4
  kComplex,   // pairs of real, imaginary
  kString,    // N uint64 lengths, then the N byte strings
  kBytes,     // one byte string (attachments): shape [] and any length
  kOpaque,    // any length; a box of it is the whole or a stored slice
};

struct Dtype {
  DtypeClass dtype_class;
  int item_bytes;  // 0 where elements have no fixed width (string, bytes, opaque)
};

// What `name` means. nullopt: neither listed nor of the opaque form, or longer than 64 bytes.
std::optional<Dtype> FindDtype(absl::string_view name);

inline bool IsFixedWidth(const Dtype& dtype) { return dtype.item_bytes > 0; }

}  // namespace cairn

#endif  // CAIRN_BASE_DTYPE_H_
