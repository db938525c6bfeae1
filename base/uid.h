// Random 128-bit names of directories, manifests and segments: no counter to lose or to share.
#ifndef CAIRN_BASE_UID_H_
#define CAIRN_BASE_UID_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace cairn {

// A value type. The default is all zeros and names nothing.
class Uid {
 public:
  static constexpr size_t kBytes = 16;

  Uid() = default;
  // From 32 lowercase hex digits, or from 16 raw bytes; nullopt for anything else.
  static std::optional<Uid> FromHex(absl::string_view hex);
  static std::optional<Uid> FromBytes(absl::string_view bytes);

  std::string ToHex() const;
  absl::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), kBytes}; }
  bool is_zero() const { return *this == Uid(); }

  friend bool operator==(const Uid&, const Uid&) = default;
  friend auto operator<=>(const Uid&, const Uid&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Uid& uid) {
    return H::combine(std::move(h), uid.bytes_);
  }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

// Where uids and other randomness come from, so that tests own it. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
  Uid NextUid();

  // The operating system's generator; lives as long as the process.
  static Random* System();
};

// The same numbers for the same seed.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : counter_(seed) {}
  uint64_t Next() override;

 private:
  std::atomic<uint64_t> counter_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_UID_H_
