#include "storage/reference.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn::storage {
namespace {

constexpr size_t kMaxTagBytes = 63;

absl::Status ReferenceError(absl::string_view text, absl::string_view description) {
  return InvalidField(
      "checkpoint",
      absl::StrCat("'", KeyTextFromBytes(text.substr(0, kMaxTagBytes)), "' ", description,
                   "; name a checkpoint by its number, latest, a tag or uid:<32 hex digits>"));
}

bool IsTag(absl::string_view text) {
  return text.size() <= kMaxTagBytes && absl::ascii_islower(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

}  // namespace

absl::StatusOr<Reference> ParseReference(absl::string_view text) {
  if (text.empty() || text == "latest") return LatestReference{};
  if (text == "best") {
    return MakeError(
        ErrorReason::ERROR_REASON_NOT_YET, absl::StatusCode::kUnimplemented,
        "cannot resolve 'best': this version keeps no ranking; name a number, latest or a tag",
        {{"feature", "best"}});
  }
  if (absl::ascii_isdigit(text[0])) {
    int64_t number = 0;
    const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
    if (digits && absl::SimpleAtoi(text, &number)) return number;
    return ReferenceError(text, "is not a number from 0 to 9223372036854775807");
  }
  absl::string_view hex = text;
  if (absl::ConsumePrefix(&hex, "uid:")) {
    if (const std::optional<Uid> uid = Uid::FromHex(hex)) return *uid;
    return ReferenceError(text, "is not 'uid:' and 32 lowercase hex digits");
  }
  if (IsTag(text)) return TagReference{std::string(text)};
  return ReferenceError(text, "is no reference");
}

}  // namespace cairn::storage
