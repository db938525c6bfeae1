#include "base/uid.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/escaping.h"
#include "base/error.h"

namespace cairn {
namespace {

class SystemRandom : public Random {
 public:
  uint64_t Next() override {
    uint64_t value = 0;
    ssize_t count;
    // Up to 256 bytes are delivered whole or, while the generator still awaits its seed,
    // interrupted.
    do {
      count = getrandom(&value, sizeof(value), /*flags=*/0);
    } while (count < 0 && errno == EINTR);
    CAIRN_CHECK(count == sizeof(value));
    return value;
  }
};

bool IsLowercaseHex(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

}  // namespace

std::optional<Uid> Uid::FromHex(absl::string_view hex) {
  if (hex.size() != 2 * kBytes || !IsLowercaseHex(hex)) return std::nullopt;
  return FromBytes(absl::HexStringToBytes(hex));
}

std::optional<Uid> Uid::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kBytes) return std::nullopt;
  Uid uid;
  std::memcpy(uid.bytes_.data(), bytes.data(), kBytes);
  return uid;
}

std::string Uid::ToHex() const { return absl::BytesToHexString(bytes()); }

Uid Random::NextUid() {
  const uint64_t halves[] = {Next(), Next()};
  static_assert(sizeof(halves) == Uid::kBytes);
  return *Uid::FromBytes({reinterpret_cast<const char*>(halves), sizeof(halves)});
}

Random* Random::System() {
  static SystemRandom* const random = new SystemRandom;
  return random;
}

// SplitMix64: a counter in steps of the golden ratio, each step scrambled.
uint64_t SeededRandom::Next() {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  uint64_t z = counter_.fetch_add(kGoldenRatio) + kGoldenRatio;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace cairn
