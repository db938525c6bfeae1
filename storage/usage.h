// What directories and checkpoints take of the store.
#ifndef CAIRN_STORAGE_USAGE_H_
#define CAIRN_STORAGE_USAGE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog.h"
#include "storage/checkpoints.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// Reads 03 rows alone. Counts chunks by bitmaps; their bytes are exact where the sets that are
// compared are equal or have nothing in common, and prorated by the mean of their segment's chunks
// elsewhere. Memory: the uids of the manifests asked for and beside them, and a window of segments.
// Thread-safe. Nothing given to it is owned; all of it outlives this.
class UsageMeter {
 public:
  UsageMeter(Table* table, const Catalog* catalog, const Checkpoints* checkpoints)
      : table_(table), catalog_(catalog), checkpoints_(checkpoints) {}

  // As Store::GetUsage.
  absl::StatusOr<Usage> OfDirectory(absl::string_view path) const;
  absl::StatusOr<Usage> OfCheckpoint(absl::string_view path, absl::string_view reference) const;

 private:
  Table* const table_;
  const Catalog* const catalog_;
  const Checkpoints* const checkpoints_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_USAGE_H_
