#include "formats/tensor_bundle/coding.h"

#include <cstddef>

namespace cairn {

uint64_t DecodeFixed(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

bool ConsumeFixed32(absl::string_view* bytes, uint32_t* value) {
  if (bytes->size() < sizeof(*value)) return false;
  *value = static_cast<uint32_t>(DecodeFixed(bytes->substr(0, sizeof(*value))));
  bytes->remove_prefix(sizeof(*value));
  return true;
}

bool ConsumeVarint(absl::string_view* bytes, uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < bytes->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*bytes)[i]);
    if (i == 9 && byte > 1) return false;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = result;
      bytes->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

void AppendFixed(uint64_t value, int width, std::string* out) {
  for (int i = 0; i < width; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

}  // namespace cairn
