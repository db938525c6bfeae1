// Converts elements between dtypes, to the bits that numpy and ml_dtypes give: round to nearest
// even, a target without infinity gets its NaN. float16 and wider round once; ml_dtypes' formats
// (bfloat16 and those below 16 bits) round to float32 first, and so twice. NaN stays NaN, its
// payload may not stay.
#ifndef CAIRN_BASE_CAST_H_
#define CAIRN_BASE_CAST_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn {

// OK when elements of `from` may be cast to `to`: equal names; bool and integers to a wider integer
// (as numpy's "safe" casting has it) or to any real type; real types among themselves.
// Errors: kInvalidArgument (anything else), naming both.
absl::Status ValidateCast(absl::string_view from, absl::string_view to);

// Appends the elements in `bytes` to `out`, cast.
// Requires: ValidateCast is OK, `bytes` holds whole elements.
void CastElements(absl::string_view from, absl::string_view to, absl::string_view bytes,
                  std::string* out);

// Element `index` of `bytes` as a double (real part of a complex one). Requires: a fixed-width
// dtype.
double ElementAsDouble(absl::string_view dtype, absl::string_view bytes, int64_t index);

// The same as text that loses nothing: "true", "-7", "1.5", "nan", "1+2j".
// Requires: a fixed-width dtype.
std::string ElementAsText(absl::string_view dtype, absl::string_view bytes, int64_t index);

}  // namespace cairn

#endif  // CAIRN_BASE_CAST_H_
