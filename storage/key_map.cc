#include "storage/key_map.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn::storage {

absl::Status ValidateRenameCount(int64_t count, int64_t bytes) {
  if (count <= kMaxRenames && bytes <= kMaxRenameBytes) return absl::OkStatus();
  return InvalidField(
      "renames", absl::StrCat("are ", count, " with ", bytes, " bytes; up to ", kMaxRenames,
                              " with ", kMaxRenameBytes, " bytes are taken: rename by prefixes"));
}

absl::StatusOr<KeyMap> KeyMap::Make(const CopyOptions& options, char separator) {
  KeyMap map(options, separator);
  CAIRN_RETURN_IF_ERROR(map.AddPrefixes("include", options.include, &map.includes_));
  CAIRN_RETURN_IF_ERROR(map.AddPrefixes("exclude", options.exclude, &map.excludes_));
  int64_t bytes = 0;
  for (const KeyRename& rename : options.renames) {
    bytes += static_cast<int64_t>(rename.from.size() + rename.to.size());
  }
  CAIRN_RETURN_IF_ERROR(ValidateRenameCount(static_cast<int64_t>(options.renames.size()), bytes));
  for (size_t i = 0; i < options.renames.size(); ++i) {
    CAIRN_RETURN_IF_ERROR(map.AddRename(i));
  }
  map.renames_ = !options.renames.empty();
  map.include_matched_.resize(options.include.size());
  map.rename_matched_.resize(options.renames.size());
  return map;
}

absl::string_view KeyMap::Stripped(absl::string_view prefix) const {
  return absl::StripSuffix(prefix, absl::string_view(&separator_, 1));
}

absl::Status KeyMap::AddPrefixes(absl::string_view field, const std::vector<std::string>& prefixes,
                                 Index* index) const {
  if (prefixes.size() > static_cast<size_t>(kMaxSelectors)) {
    return InvalidField(field, absl::StrCat("has ", prefixes.size(), " prefixes; up to ",
                                            kMaxSelectors, " are taken"));
  }
  for (size_t i = 0; i < prefixes.size(); ++i) index->emplace(Stripped(prefixes[i]), i);
  return absl::OkStatus();
}

absl::Status KeyMap::AddRename(size_t index) {
  const KeyRename& rename = options_.renames[index];
  const std::string field = absl::StrCat("renames[", index, "]");
  for (const std::string& name : {rename.from, rename.to}) {
    if (name.empty() && rename.prefix) continue;
    CAIRN_RETURN_IF_ERROR(ValidateKeyText(name), field);
  }
  Index& sources = rename.prefix ? prefixes_ : exact_;
  const absl::string_view from = rename.prefix ? Stripped(rename.from) : rename.from;
  if (sources.emplace(from, index).second) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("renames '", rename.from, "' a second time"));
}

template <typename Visit>
void KeyMap::ForEachPrefix(absl::string_view key, const Index& index, Visit visit) const {
  if (index.empty()) return;
  for (size_t size = key.size();; size = key.rfind(separator_, size - 1)) {
    if (size == absl::string_view::npos) break;
    const auto found = index.find(key.substr(0, size));
    if (found != index.end() && size > 0) visit(found->second);
    if (size == 0) break;
  }
  const auto everything = index.find("");
  if (everything != index.end()) visit(everything->second);
}

std::optional<size_t> KeyMap::FindRename(absl::string_view key) {
  std::optional<size_t> chosen;
  const auto exact = exact_.find(key);
  if (exact != exact_.end()) {
    chosen = exact->second;
    rename_matched_[*chosen] = true;
  }
  ForEachPrefix(key, prefixes_, [&](size_t index) {
    rename_matched_[index] = true;
    if (!chosen) chosen = index;
  });
  return chosen;
}

std::string KeyMap::Renamed(absl::string_view key, const KeyRename& rename) const {
  if (!rename.prefix) return rename.to;
  const absl::string_view from = Stripped(rename.from);
  const absl::string_view to = Stripped(rename.to);
  absl::string_view rest = key.substr(from.size());
  if (!from.empty()) absl::ConsumePrefix(&rest, absl::string_view(&separator_, 1));
  if (to.empty() || rest.empty()) return absl::StrCat(to, rest);
  return absl::StrCat(to, absl::string_view(&separator_, 1), rest);
}

absl::StatusOr<std::optional<std::string>> KeyMap::Map(absl::string_view key) {
  bool included = includes_.empty();
  ForEachPrefix(key, includes_, [&](size_t index) {
    include_matched_[index] = true;
    included = true;
  });
  included = included && !Excludes(key);
  const std::optional<size_t> rename = FindRename(key);
  if (!included) return std::nullopt;
  if (!rename) return std::string(key);
  std::string renamed = Renamed(key, options_.renames[*rename]);
  CAIRN_RETURN_IF_ERROR(ValidateKeyText(renamed), absl::StrCat("renames[", *rename, "] of ", key));
  return renamed;
}

bool KeyMap::Excludes(absl::string_view key) const {
  bool excluded = false;
  ForEachPrefix(key, excludes_, [&](size_t) { excluded = true; });
  return excluded;
}

absl::Status KeyMap::CheckAllMatched() const {
  for (const std::string& prefix : options_.include) {
    if (include_matched_[includes_.at(Stripped(prefix))]) continue;
    return MakeError(
        ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND, absl::StatusCode::kNotFound,
        absl::StrCat("cannot copy tensors of \"", prefix,
                     "\": the source has none; list its tensors to see which there are"),
        {{"selector", prefix}, {"neighbors", ""}});
  }
  for (size_t i = 0; i < rename_matched_.size(); ++i) {
    if (rename_matched_[i]) continue;
    return InvalidField(
        absl::StrCat("renames[", i, "]"),
        absl::StrCat("'", options_.renames[i].from, "' is no key of the source; list its tensors"));
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
