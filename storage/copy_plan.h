// What a copy does, found out before anything of it is written.
#ifndef CAIRN_STORAGE_COPY_PLAN_H_
#define CAIRN_STORAGE_COPY_PLAN_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/key_map.h"
#include "storage/store.h"

namespace cairn::storage {

// One thread at a time. What it is made of outlives it.
class CopyPlan {
 public:
  // Looks at every key of the source, if any is to change. Memory: 32 bytes or so for each tensor
  // that is renamed. Errors: kInvalidArgument (as KeyMap; two keys that become one, naming both;
  // nothing is left), kNotFound with reason TENSOR_NOT_FOUND (an include that matches nothing).
  static absl::StatusOr<CopyPlan> Make(Table* table, const CheckpointRecord& source,
                                       const CopyOptions& options);

  // The key of a tensor of the source in the copy; nullopt: it is left out.
  absl::StatusOr<std::optional<std::string>> KeyOf(absl::string_view key);
  // The same, and nullopt too where the source has no such tensor.
  absl::StatusOr<std::optional<std::string>> KeyOfExisting(absl::string_view key);

  // Whether the index tensor is not copied as it is.
  bool rewrites_index() const { return changes_ && options_.rewrite_index != nullptr; }
  bool IsIndex(absl::string_view key) const {
    return !options_.index_key.empty() && key == options_.index_key;
  }
  bool copies_attachments() const { return map_.includes_all(); }

 private:
  CopyPlan(Table* table, const Uid& manifest, const CopyOptions& options, KeyMap map)
      : table_(table), manifest_(manifest), options_(options), map_(std::move(map)) {}
  absl::Status LookAtKeys();
  absl::StatusOr<bool> Exists(absl::string_view key) const;
  // The error for `key`, which becomes `new_key` as another one does; OK if none does.
  absl::Status Collision(absl::string_view key, absl::string_view new_key);

  Table* table_;
  Uid manifest_;
  const CopyOptions& options_;
  KeyMap map_;
  bool changes_ = false;  // a tensor but for the index is renamed or left out
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COPY_PLAN_H_
