#include "client/cli/reference_argument.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"
#include "base/uid.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

constexpr absl::string_view kLatest = "latest";
constexpr absl::string_view kUidPrefix = "uid:";

// Replaces each `\xhh` by its byte and leaves everything else alone.
std::string Unescape(absl::string_view text) {
  constexpr size_t kEscapeBytes = 4;
  std::string bytes;
  while (!text.empty()) {
    if (text.size() >= kEscapeBytes && absl::StartsWith(text, "\\x") &&
        absl::ascii_isxdigit(text[2]) && absl::ascii_isxdigit(text[3])) {
      bytes += absl::HexStringToBytes(text.substr(2, 2));
      text.remove_prefix(kEscapeBytes);
    } else {
      bytes += text.front();
      text.remove_prefix(1);
    }
  }
  return bytes;
}

bool IsNumberOrUid(absl::string_view checkpoint) {
  if (absl::StartsWith(checkpoint, kUidPrefix)) {
    return Uid::FromHex(absl::StripPrefix(checkpoint, kUidPrefix)).has_value();
  }
  int64_t number = 0;
  return std::all_of(checkpoint.begin(), checkpoint.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(checkpoint, &number);
}

}  // namespace

absl::StatusOr<ReferenceArgument> ParseReference(absl::string_view argument) {
  const size_t at = argument.find('@');
  CAIRN_ASSIGN_OR_RETURN(std::string directory, ParseDirectory(argument.substr(0, at)));
  if (at == absl::string_view::npos) {
    return ReferenceArgument{std::move(directory), std::string(kLatest)};
  }
  if (at + 1 == argument.size()) {
    return UsageError(absl::StrCat("\"", argument, "\" names no checkpoint: give a number, a tag, ",
                                   "latest or uid:<hex> after the @"));
  }
  return ReferenceArgument{std::move(directory), std::string(argument.substr(at + 1))};
}

absl::StatusOr<ReferenceArgument> ParseReferenceToDelete(absl::string_view argument) {
  if (!absl::StrContains(argument, '@')) {
    return UsageError(absl::StrCat("\"", argument, "\" names no checkpoint: to delete one give ",
                                   "DIRECTORY@NUMBER or DIRECTORY@uid:<hex>"));
  }
  absl::StatusOr<ReferenceArgument> reference = ParseReference(argument);
  if (reference.ok() && !IsNumberOrUid(reference->checkpoint)) {
    return UsageError(absl::StrCat("cannot delete \"", argument, "\": \"", reference->checkpoint,
                                   "\" may come to mean another checkpoint; give its number or ",
                                   "uid:<hex>"));
  }
  return reference;
}

absl::StatusOr<std::string> ParseDirectory(absl::string_view argument) {
  if (argument.empty()) return UsageError("the directory is empty; give a path such as runs/mnist");
  if (absl::StrContains(argument, '@')) {
    return UsageError(
        absl::StrCat("\"", argument, "\" is no directory: its name cannot hold an @"));
  }
  return Unescape(argument);
}

std::string KeyFromArgument(absl::string_view argument) {
  return KeyTextFromBytes(Unescape(argument));
}

std::string PrefixFromArgument(absl::string_view argument) {
  if (argument.size() > 1) argument = absl::StripSuffix(argument, "/");
  return KeyFromArgument(argument);
}

}  // namespace cairn::cli
