#include "server/object_selector.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn::server {

absl::StatusOr<std::shared_ptr<const storage::KeySet>> ObjectSelector::KeysBelow(
    const std::string& path) {
  if (const auto found = found_.find(path); found != found_.end()) return found->second;
  if (paths_ == nullptr) {
    CAIRN_ASSIGN_OR_RETURN(paths_, graphs_->Paths(directory_, checkpoint_),
                           absl::StrCat("cannot find object \"", path, "\""));
  }
  CAIRN_ASSIGN_OR_RETURN(std::vector<std::string> keys, paths_->KeysBelow(path, &steps_));
  for (const std::string& key : keys) bytes_ += sizeof(key) + key.size();
  if (bytes_ > kMaxObjectKeyBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the objects have more keys than ", kMaxObjectKeyBytes,
                     " bytes hold: ask for fewer at once, or for one object that holds them"));
  }
  auto set = std::make_shared<const storage::KeySet>(storage::KeySet{path, std::move(keys)});
  found_.emplace(path, set);
  return set;
}

}  // namespace cairn::server
