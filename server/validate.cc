#include "server/validate.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn::server {
namespace {

bool IsContinuationByte(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

absl::Status RequireField(absl::string_view field, absl::string_view value) {
  if (!value.empty()) return absl::OkStatus();
  return InvalidField(field, "is required");
}

absl::Status ValidateRequestId(absl::string_view request_id) {
  const auto characters = std::count_if(request_id.begin(), request_id.end(),
                                        [](char c) { return !IsContinuationByte(c); });
  if (characters <= kMaxRequestIdCharacters) return absl::OkStatus();
  return InvalidField("request_id", absl::StrCat("has ", characters, " characters; at most ",
                                                 kMaxRequestIdCharacters, " are allowed"));
}

absl::Status ValidateRange(absl::string_view field, int64_t value, int64_t min, int64_t max) {
  if (min <= value && value <= max) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("is ", value, "; it must be from ", min, " to ", max));
}

absl::Status RequireLastingReference(absl::string_view checkpoint) {
  const bool is_number =
      !checkpoint.empty() && std::all_of(checkpoint.begin(), checkpoint.end(), absl::ascii_isdigit);
  if (is_number || absl::StartsWith(checkpoint, "uid:")) return absl::OkStatus();
  return InvalidField(
      "checkpoint",
      absl::StrCat("is '", checkpoint,
                   "'; what changes or deletes a checkpoint names it by its number or "
                   "by \"uid:<hex>\", which mean the same tomorrow"));
}

}  // namespace cairn::server
