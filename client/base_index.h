// What the base of an incremental save holds, found by what the bytes are.
#ifndef CAIRN_CLIENT_BASE_INDEX_H_
#define CAIRN_CLIENT_BASE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/v1/types.pb.h"
#include "client/connection.h"

namespace cairn {

// Immutable once read; thread-safe. Memory: some 100 bytes a piece, and the keys.
class BaseIndex {
 public:
  // Reads what checkpoint `base` ("uid:<hex>") of `directory` is made of. Errors: Connection's.
  static absl::StatusOr<BaseIndex> Read(Connection& connection, const std::string& directory,
                                        const std::string& base);

  // Where in the base a whole piece has these bytes, under any key; nullopt: nowhere. Requires:
  // some bytes.
  std::optional<v1::BaseRange> Find(absl::string_view bytes) const;

 private:
  struct Place {
    size_t slice;    // index
    int64_t offset;  // in its bytes
  };

  void Add(const v1::StoredPart& part);

  std::vector<v1::BaseRange> slices_;  // of each the offset is unset
  absl::flat_hash_map<std::pair<int64_t, std::string>, Place> places_;  // by length and digest
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_BASE_INDEX_H_
