// CRC-32C (Castagnoli, RFC 3720), hardware-fast, and the arithmetic that lets sums of pieces become
// the sum of the whole without a second pass over the bytes.
//
// base/crc32c.cc is the only caller of ISA-L and ends with vzeroupper: ISA-L leaves AVX-512 state
// dirty, and XXH3 right after it would cost four times as much.
#ifndef CAIRN_BASE_CRC32C_H_
#define CAIRN_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace cairn {

// The sum of the bytes that `crc` covers followed by `bytes`. The sum of no bytes is 0.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

inline uint32_t Crc32c(absl::string_view bytes) { return ExtendCrc32c(0, bytes); }

// The sum of A followed by B from the sums of both and the length of B in bytes. O(log b_bytes).
uint32_t ConcatCrc32c(uint32_t a, uint32_t b, uint64_t b_bytes);

// The masked form that LevelDB's and TensorFlow's files hold, and back.
uint32_t MaskCrc32c(uint32_t crc);
uint32_t UnmaskCrc32c(uint32_t masked);

}  // namespace cairn

#endif  // CAIRN_BASE_CRC32C_H_
