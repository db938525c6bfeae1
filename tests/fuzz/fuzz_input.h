// Cuts a fuzzer's input into fields. What is cut too short is short or zero, never an error, so
// that every input means something.
#ifndef CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_
#define CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace cairn {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool done() const { return rest_.empty(); }

  uint8_t TakeByte() {
    const absl::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }

  // A field behind its length, a little-endian uint16.
  absl::string_view TakeField() {
    const size_t low = TakeByte();
    return Take(low | static_cast<size_t>(TakeByte()) << 8);
  }

  absl::string_view TakeRest() { return Take(rest_.size()); }

 private:
  absl::string_view Take(size_t size) {
    const absl::string_view taken = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  absl::string_view rest_;
};

}  // namespace cairn

#endif  // CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_
