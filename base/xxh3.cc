#include "base/xxh3.h"

#include <xxhash.h>

namespace cairn {

std::string Xxh3Digest(absl::string_view bytes) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes.data(), bytes.size()));
  return {reinterpret_cast<const char*>(digest.digest), sizeof(digest.digest)};
}

}  // namespace cairn
