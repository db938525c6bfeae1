#include "storage/session_settings.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key_text.h"
#include "storage/catalog.h"
#include "storage/directory_keys.h"

namespace cairn::storage {
namespace {

constexpr size_t kMaxSeparatorBytes = 1;

template <typename Map, typename Equal>
bool SameEntries(const Map& a, const Map& b, Equal equal) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& entry) {
           const auto it = b.find(entry.first);
           return it != b.end() && equal(entry.second, it->second);
         });
}

// Unlike ==, so that a repeat with a metric that is not a number joins too.
bool SameMetric(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool SameText(const std::string& a, const std::string& b) { return a == b; }

}  // namespace

absl::Status ValidateSessionOptions(const SessionOptions& options) {
  if (!options.session.empty()) CAIRN_RETURN_IF_ERROR(ValidateName("session", options.session));
  if (options.number.value_or(0) < 0) {
    return InvalidField("checkpoint_number",
                        absl::StrCat("is ", *options.number,
                                     "; numbers are 0 or greater, or left out for the next one"));
  }
  if (options.expected_writers < 1 || options.expected_writers > kMaxExpectedWriters) {
    return InvalidField("expected_writers",
                        absl::StrCat("is ", options.expected_writers, "; 1 to ",
                                     kMaxExpectedWriters, " writers make a save"));
  }
  if (options.ttl < kMinSessionTtl || options.ttl > kMaxSessionTtl) {
    return InvalidField("ttl",
                        absl::StrCat("is ", absl::FormatDuration(options.ttl), "; a lease lasts ",
                                     absl::FormatDuration(kMinSessionTtl), " to ",
                                     absl::FormatDuration(kMaxSessionTtl)));
  }
  if (options.key_separator.size() != kMaxSeparatorBytes ||
      KeyTextFromBytes(options.key_separator) != options.key_separator) {
    return InvalidField("key_separator",
                        absl::StrCat("'", KeyTextFromBytes(options.key_separator.substr(0, 8)),
                                     "' is not one printable ASCII character, such as / or ."));
  }
  return ValidateNotes(options.annotations, options.metrics);
}

SessionRecord RecordOfSettings(const SessionOptions& options) {
  SessionRecord record;
  record.set_session(options.session);
  if (options.number) record.set_number(*options.number);
  record.set_explicit_number(options.number.has_value());
  record.set_replace(options.replace);
  record.set_expected_writers(options.expected_writers);
  record.mutable_annotations()->insert(options.annotations.begin(), options.annotations.end());
  record.mutable_metrics()->insert(options.metrics.begin(), options.metrics.end());
  record.set_key_separator(options.key_separator);
  if (options.save_time) record.set_save_time(absl::ToUnixMicros(*options.save_time));
  record.set_preserved(options.preserved);
  record.set_commit_when_sealed(options.commit_when_sealed);
  record.set_base(options.base);
  if (options.copy) *record.mutable_copy() = *options.copy;
  record.set_ttl(absl::ToInt64Microseconds(options.ttl));
  return record;
}

absl::Status CheckSameSettings(const SessionRecord& session, const SessionOptions& options) {
  const SessionRecord wanted = RecordOfSettings(options);
  const bool same_number = session.explicit_number() == wanted.explicit_number() &&
                           (!wanted.explicit_number() || session.number() == wanted.number());
  const struct {
    absl::string_view field;
    bool same;
  } kFields[] = {
      {"checkpoint_number", same_number},
      {"if_exists", session.replace() == wanted.replace()},
      {"expected_writers", session.expected_writers() == wanted.expected_writers()},
      {"annotations", SameEntries(session.annotations(), wanted.annotations(), SameText)},
      {"metrics", SameEntries(session.metrics(), wanted.metrics(), SameMetric)},
      {"key_separator", session.key_separator() == wanted.key_separator()},
      {"save_time", session.save_time() == wanted.save_time()},
      {"preserved", session.preserved() == wanted.preserved()},
      {"commit_when_sealed", session.commit_when_sealed() == wanted.commit_when_sealed()},
      {"copy", session.copy().fingerprint() == wanted.copy().fingerprint() &&
                   session.copy().uid() == wanted.copy().uid()},
      {"ttl", session.ttl() == wanted.ttl()},
  };
  for (const auto& [field, same] : kFields) {
    if (!same) return SessionDiffers(options.session, field);
  }
  return absl::OkStatus();
}

absl::Status SessionDiffers(absl::string_view session, absl::string_view field) {
  return MakeError(
      ErrorReason::ERROR_REASON_SESSION_EXISTS, absl::StatusCode::kAlreadyExists,
      absl::StrCat("cannot join session ", session, ": it was opened with another ", field,
                   "; let all writers give the same settings, or choose another session id"),
      {{"session", session}, {"field", field}});
}

}  // namespace cairn::storage
