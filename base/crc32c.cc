#include "base/crc32c.h"

#include <immintrin.h>
#include <isa-l/crc.h>

#include <algorithm>

namespace cairn {
namespace {

// The Castagnoli polynomial, lowest power in the highest bit, as all polynomials below.
constexpr uint32_t kPolynomial = 0x82f63b78;
constexpr uint32_t kOne = 1u << 31;          // x^0
constexpr uint32_t kByteShift = 1u << 23;    // x^8: one more byte after those summed
constexpr uint32_t kMaskDelta = 0xa282ead8;  // of LevelDB's format

// ISA-L counts in int.
constexpr size_t kMaxCallBytes = size_t{1} << 30;

// a * b modulo the polynomial.
uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t power = kOne; power != 0; power >>= 1) {
    if (a & power) product ^= b;
    b = (b & 1) ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

__attribute__((target("avx"))) void ClearUpperVectorState() { _mm256_zeroupper(); }

}  // namespace

uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes) {
  static const bool has_avx = __builtin_cpu_supports("avx");
  uint32_t state = ~crc;
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kMaxCallBytes);
    // ISA-L takes a pointer to mutable bytes and only reads them.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(count), state);
    bytes.remove_prefix(count);
  }
  if (has_avx) ClearUpperVectorState();
  return ~state;
}

uint32_t ConcatCrc32c(uint32_t a, uint32_t b, uint64_t b_bytes) {
  // Appending b moves a's polynomial up by x^(8 * b_bytes); the inversions of both sums cancel out.
  uint32_t square = kByteShift;
  for (uint64_t rest = b_bytes; rest != 0; rest >>= 1) {
    if (rest & 1) a = Multiply(a, square);
    square = Multiply(square, square);
  }
  return a ^ b;
}

uint32_t MaskCrc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + kMaskDelta; }

uint32_t UnmaskCrc32c(uint32_t masked) {
  const uint32_t rotated = masked - kMaskDelta;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace cairn
