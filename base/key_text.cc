#include "base/key_text.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace cairn {
namespace {

constexpr size_t kEscapeBytes = 4;  // \xhh

bool IsContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the character that `text` begins with; 0 if that is not UTF-8. Requires: `text` is not
// empty.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) -> uint8_t { return i < text.size() ? text[i] : 0; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  // Below: the second byte's range shuts out overlong forms, surrogates and what lies above
  // U+10FFFF.
  if (!IsContinuation(byte(1))) return 0;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (!IsContinuation(byte(2))) return 0;
  if (first == 0xe0) return byte(1) >= 0xa0 ? 3 : 0;
  if (first == 0xed) return byte(1) <= 0x9f ? 3 : 0;
  if (first >= 0xe1 && first <= 0xef) return 3;
  if (!IsContinuation(byte(3))) return 0;
  if (first == 0xf0) return byte(1) >= 0x90 ? 4 : 0;
  if (first == 0xf4) return byte(1) <= 0x8f ? 4 : 0;
  return first >= 0xf1 && first <= 0xf3 ? 4 : 0;
}

// The same, and 0 too for what does not stand for itself in a key: controls (C1 among them), DEL
// and the backslash.
size_t PlainBytes(absl::string_view text) {
  const size_t bytes = CharacterBytes(text);
  const uint8_t first = text[0];
  if (bytes == 1) return first < 0x20 || first == 0x7f || first == '\\' ? 0 : 1;
  if (bytes == 2 && first == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0) return 0;
  return bytes;
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

// The byte that the escape at the front of `text` stands for; nullopt if it is none.
std::optional<char> EscapedByte(absl::string_view text) {
  if (text.size() < kEscapeBytes || !absl::StartsWith(text, "\\x")) return std::nullopt;
  const std::optional<int> high = HexDigit(text[2]), low = HexDigit(text[3]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

absl::Status KeyError(size_t position, absl::string_view description) {
  return InvalidField("key", absl::StrCat("at byte ", position, " ", description));
}

}  // namespace

std::string KeyTextFromBytes(absl::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t plain = PlainBytes(bytes);
    if (plain > 0) {
      text.append(bytes.data(), plain);
      bytes.remove_prefix(plain);
    } else {
      absl::StrAppendFormat(&text, "\\x%02x", static_cast<uint8_t>(bytes[0]));
      bytes.remove_prefix(1);
    }
  }
  return text;
}

absl::StatusOr<std::string> BytesFromKeyText(absl::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  bool has_escapes = false;
  for (size_t position = 0; position < text.size();) {
    const absl::string_view rest = text.substr(position);
    if (const size_t plain = PlainBytes(rest); plain > 0) {
      bytes.append(rest.data(), plain);
      position += plain;
    } else if (std::optional<char> byte = EscapedByte(rest)) {
      bytes.push_back(*byte);
      position += kEscapeBytes;
      has_escapes = true;
    } else if (rest[0] == '\\') {
      return KeyError(position,
                      "a backslash is not followed by x and two lowercase hex digits; "
                      "write a backslash itself as \\x5c");
    } else {
      return KeyError(
          position, absl::StrFormat("the byte 0x%02x is a control character or not UTF-8; "
                                    "write it as \\x%02x",
                                    static_cast<uint8_t>(rest[0]), static_cast<uint8_t>(rest[0])));
    }
  }
  if (!has_escapes) return bytes;
  // An escape of what needs none would give one key two texts.
  const std::string one_form = KeyTextFromBytes(bytes);
  if (one_form != text) {
    const auto differ = std::mismatch(text.begin(), text.end(), one_form.begin(), one_form.end());
    return KeyError(differ.first - text.begin(),
                    "a \\x escape stands for a character that is written as itself");
  }
  return bytes;
}

absl::Status ValidateKeyText(absl::string_view text) {
  if (text.empty()) return InvalidField("key", "is empty; a key has 1 to 4096 bytes");
  if (text.size() > kMaxKeyBytes) {
    return InvalidField(
        "key", absl::StrCat("has ", text.size(), " bytes; at most ", kMaxKeyBytes, " are allowed"));
  }
  return BytesFromKeyText(text).status();
}

bool IsUtf8(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t character = CharacterBytes(bytes);
    if (character == 0) return false;
    bytes.remove_prefix(character);
  }
  return true;
}

bool KeyPrefixSelects(absl::string_view prefix, absl::string_view key, char separator) {
  absl::ConsumeSuffix(&prefix, absl::string_view(&separator, 1));
  if (prefix.empty()) return true;
  if (!absl::StartsWith(key, prefix)) return false;
  return key.size() == prefix.size() || key[prefix.size()] == separator;
}

}  // namespace cairn
