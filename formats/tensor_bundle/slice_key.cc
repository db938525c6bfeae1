#include "formats/tensor_bundle/slice_key.h"

#include <bit>
#include <cstdint>
#include <utility>

namespace cairn {
namespace {

constexpr int64_t kFullDimension = -1;
constexpr int kMaxSignedBytes = 10;

// A number >= 0: how many bytes it takes, then these, big-endian.
void AppendNumber(uint64_t value, std::string* out) {
  const int width = (std::bit_width(value) + 7) / 8;
  out->push_back(static_cast<char>(width));
  for (int i = width - 1; i >= 0; --i) out->push_back(static_cast<char>(value >> (8 * i)));
}

bool ConsumeNumber(absl::string_view* bytes, uint64_t* value) {
  if (bytes->empty()) return false;
  const size_t width = static_cast<uint8_t>(bytes->front());
  if (width > sizeof(*value) || bytes->size() <= width) return false;
  *value = 0;
  for (size_t i = 1; i <= width; ++i) *value = *value << 8 | static_cast<uint8_t>((*bytes)[i]);
  bytes->remove_prefix(1 + width);
  return width == static_cast<size_t>((std::bit_width(*value) + 7) / 8);
}

// Bytes with 00 as 00 ff and ff as ff 00, ended by 00 01.
void AppendName(absl::string_view name, std::string* out) {
  for (char c : name) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xff');
    if (c == '\xff') out->push_back('\0');
  }
  out->append({'\0', '\1'});
}

bool ConsumeName(absl::string_view* bytes, std::string* name) {
  for (size_t i = 0; i < bytes->size(); ++i) {
    const char c = (*bytes)[i];
    if (c == '\0' || c == '\xff') {
      if (++i == bytes->size()) return false;
      const char next = (*bytes)[i];
      if (c == '\0' && next == '\1') {
        bytes->remove_prefix(i + 1);
        return true;
      }
      if (next != (c == '\0' ? '\xff' : '\0')) return false;
    }
    name->push_back(c);
  }
  return false;
}

// A number of either sign in 1 to 10 bytes, each of which holds 7 bits. The value is sign-extended
// and big-endian; as many ones as there are bytes are flipped into its highest bits.
void AppendSigned(int64_t value, std::string* out) {
  const uint64_t bits = static_cast<uint64_t>(value);
  const int width = std::bit_width(value < 0 ? ~bits : bits) / 7 + 1;
  const uint32_t header = 0xffffu << (16 - width) & 0xffffu;
  for (int i = 0; i < width; ++i) {
    const int place = width - 1 - i;
    uint8_t byte = place < 8 ? static_cast<uint8_t>(bits >> (8 * place)) : (value < 0 ? 0xff : 0);
    if (i == 0) byte ^= static_cast<uint8_t>(header >> 8);
    if (i == 1) byte ^= static_cast<uint8_t>(header);
    out->push_back(static_cast<char>(byte));
  }
}

bool ConsumeSigned(absl::string_view* bytes, int64_t* value) {
  if (bytes->empty()) return false;
  const bool negative = (static_cast<uint8_t>(bytes->front()) & 0x80) == 0;
  const uint8_t sign = negative ? 0xff : 0;
  uint16_t head = 0;
  for (size_t i = 0; i < 2; ++i) {
    const uint8_t byte = i < bytes->size() ? static_cast<uint8_t>((*bytes)[i]) ^ sign : 0;
    head = static_cast<uint16_t>(head << 8 | byte);
  }
  const int width = std::countl_one(head);
  if (width > kMaxSignedBytes || bytes->size() < static_cast<size_t>(width)) return false;
  const uint32_t header = 0xffffu << (16 - width) & 0xffffu;
  uint64_t bits = negative ? ~uint64_t{0} : 0;
  for (int i = 0; i < width; ++i) {
    uint8_t byte = static_cast<uint8_t>((*bytes)[i]);
    if (i == 0) byte ^= static_cast<uint8_t>(header >> 8);
    if (i == 1) byte ^= static_cast<uint8_t>(header);
    bits = bits << 8 | byte;
  }
  *value = static_cast<int64_t>(bits);
  // Longer forms of a number are no form of it.
  std::string canonical;
  AppendSigned(*value, &canonical);
  if (bytes->substr(0, width) != canonical) return false;
  bytes->remove_prefix(width);
  return true;
}

}  // namespace

std::string EncodeSliceKey(absl::string_view raw_name, absl::Span<const ExtentSpec> extents) {
  std::string key;
  key.reserve(raw_name.size() + 8 + 4 * extents.size());
  AppendNumber(0, &key);
  AppendName(raw_name, &key);
  AppendNumber(extents.size(), &key);
  for (const ExtentSpec& extent : extents) {
    AppendSigned(extent.start, &key);
    AppendSigned(extent.length.value_or(kFullDimension), &key);
  }
  return key;
}

std::optional<SliceKey> DecodeSliceKey(absl::string_view raw_key) {
  SliceKey key;
  uint64_t zero = 0;
  uint64_t rank = 0;
  if (!ConsumeNumber(&raw_key, &zero) || zero != 0) return std::nullopt;
  if (!ConsumeName(&raw_key, &key.raw_name) || !ConsumeNumber(&raw_key, &rank)) return std::nullopt;
  for (uint64_t i = 0; i < rank; ++i) {
    int64_t start = 0;
    int64_t length = 0;
    if (!ConsumeSigned(&raw_key, &start) || !ConsumeSigned(&raw_key, &length)) return std::nullopt;
    if (start < 0 || length < kFullDimension) return std::nullopt;
    ExtentSpec extent{.start = start, .length = std::nullopt};
    if (length != kFullDimension) extent.length = length;
    key.extents.push_back(extent);
  }
  if (!raw_key.empty()) return std::nullopt;
  return key;
}

}  // namespace cairn
