// XXH3-128: which bytes are equal to which. No protection against forgery.
#ifndef CAIRN_BASE_XXH3_H_
#define CAIRN_BASE_XXH3_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cairn {

// The digest in canonical form (big-endian), 16 bytes, as rows and the API have it.
std::string Xxh3Digest(absl::string_view bytes);

}  // namespace cairn

#endif  // CAIRN_BASE_XXH3_H_
