// Writes the slice rows of a stream, and the row of the segment they point into, once their bytes
// are durable.
#ifndef CAIRN_STORAGE_SLICE_ROWS_H_
#define CAIRN_STORAGE_SLICE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// A part whose row is to be written.
struct SliceRowToWrite {
  std::string row_key;
  SliceRecord record;
};

// The segment that was finished just before; chunks 1 to chunk_count.
struct FinishedSegment {
  Uid uid;
  Uid owner;  // directory
  uint32_t chunk_count = 0;
  int64_t bytes = 0;         // decoded
  int64_t stored_bytes = 0;  // on disk
  // Chunks that no row will point to, and their bytes.
  std::vector<uint32_t> unused = {};
  int64_t unused_bytes = 0;
};

// Writes every row that is absent; one that is there with the same content is success, whoever
// wrote it: if that was another writer, a row of its own says who saved the slice too. On OK all
// are durable, and so is, before any of them, the segment's row: what the collector goes by.
// Returns whether the manifest uses the segment: not when all that points into it was there
// already. Errors: kFailedPrecondition with reason SLICE_CONFLICT, and as Table.
absl::StatusOr<bool> WriteSliceRows(Table* table, const Uid& manifest,
                                    std::vector<SliceRowToWrite> rows,
                                    const std::optional<FinishedSegment>& segment);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_ROWS_H_
