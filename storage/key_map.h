// Which tensors a copy takes, and what it calls them.
#ifndef CAIRN_STORAGE_KEY_MAP_H_
#define CAIRN_STORAGE_KEY_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/store.h"

namespace cairn::storage {

// One thread at a time. Views into the options that it was made of, which outlive it.
class KeyMap {
 public:
  // Errors: kInvalidArgument (too many; a name that is no key; one source twice).
  static absl::StatusOr<KeyMap> Make(const CopyOptions& options, char separator);

  // The key that the tensor `key` of the source gets; nullopt: it is left out. Notes what matched.
  // Errors: kInvalidArgument (what it would get is no key).
  absl::StatusOr<std::optional<std::string>> Map(absl::string_view key);

  // Whether an exclude matches `key`.
  bool Excludes(absl::string_view key) const;

  // Whether every tensor keeps its key.
  bool keeps_all() const { return includes_.empty() && excludes_.empty() && !renames_; }
  bool includes_all() const { return includes_.empty(); }

  // OK if every include and every rename matched a key that was mapped. Errors: kNotFound with
  // reason TENSOR_NOT_FOUND, kInvalidArgument.
  absl::Status CheckAllMatched() const;

 private:
  // What is said of a text, by its place in the options.
  using Index = absl::flat_hash_map<absl::string_view, size_t>;

  explicit KeyMap(const CopyOptions& options, char separator)
      : options_(options), separator_(separator) {}
  absl::Status AddPrefixes(absl::string_view field, const std::vector<std::string>& prefixes,
                           Index* index) const;
  absl::Status AddRename(size_t index);
  absl::string_view Stripped(absl::string_view prefix) const;

  // Calls visit(index) for the prefixes of `key` that the index holds, the longest first.
  template <typename Visit>
  void ForEachPrefix(absl::string_view key, const Index& index, Visit visit) const;
  // The rename that counts for `key`; nullopt: none.
  std::optional<size_t> FindRename(absl::string_view key);
  std::string Renamed(absl::string_view key, const KeyRename& rename) const;

  const CopyOptions& options_;
  char separator_;
  bool renames_ = false;
  Index includes_;
  Index excludes_;
  Index exact_;
  Index prefixes_;
  std::vector<bool> include_matched_;
  std::vector<bool> rename_matched_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_KEY_MAP_H_
