// What follows from a directory's path alone. ValidateDirectory stands in storage/store.h.
#ifndef CAIRN_STORAGE_DIRECTORY_PATH_H_
#define CAIRN_STORAGE_DIRECTORY_PATH_H_

#include "absl/strings/string_view.h"

namespace cairn::storage {

inline constexpr int kCatalogShards = 64;

// The catalog partition that lists `directory`, 0 to kCatalogShards - 1: by its first segment, so
// that a team's directories lie together. On disk: DO NOT CHANGE. Requires: ValidateDirectory is
// OK.
char CatalogShard(absl::string_view directory);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_DIRECTORY_PATH_H_
