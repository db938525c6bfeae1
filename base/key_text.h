// The one text form of keys: UTF-8, in which bytes that are not UTF-8, control characters, DEL and
// the backslash stand as \xhh (lowercase). Converted here and nowhere else.
#ifndef CAIRN_BASE_KEY_TEXT_H_
#define CAIRN_BASE_KEY_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn {

inline constexpr size_t kMaxKeyBytes = 4096;  // of the text form

// The text form of any bytes. Never fails; the result may be longer than kMaxKeyBytes.
std::string KeyTextFromBytes(absl::string_view bytes);

// The bytes that a text form stands for. Errors: kInvalidArgument (not in the one form).
absl::StatusOr<std::string> BytesFromKeyText(absl::string_view text);

// OK if `text` is the one form of some key of 1 to kMaxKeyBytes bytes.
// Errors: kInvalidArgument, saying what is wrong and where.
absl::Status ValidateKeyText(absl::string_view text);

// Whether `bytes` are UTF-8, whatever the characters.
bool IsUtf8(absl::string_view bytes);

// Whether `prefix` selects `key`: it is the key itself, or the key goes on after it with
// `separator`. A trailing separator of the prefix is ignored; the empty prefix selects every key.
// "model/l1" selects "model/l1" and "model/l1/kernel", never "model/l10".
bool KeyPrefixSelects(absl::string_view prefix, absl::string_view key, char separator);

}  // namespace cairn

#endif  // CAIRN_BASE_KEY_TEXT_H_
