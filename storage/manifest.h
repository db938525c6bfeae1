// A manifest: the rows of one save, in a partition of their own. See slice_keys.h for their keys.
#ifndef CAIRN_STORAGE_MANIFEST_H_
#define CAIRN_STORAGE_MANIFEST_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/slice_keys.h"
#include "storage/store.h"

namespace cairn::storage {

// What a complete manifest adds up to.
struct ManifestSummary {
  int64_t tensor_count = 0;
  int64_t attachment_count = 0;
  int64_t slice_count = 0;    // of both
  int64_t logical_bytes = 0;  // of all slices
  int64_t stored_bytes = 0;   // of the chunks that were written for it, and inline ones
  int64_t inline_bytes = 0;   // of these, those in rows
  int64_t row_count = 0;      // before the end row
  uint64_t rows_xxh3 = 0;     // as EndRecord.rows_xxh3
  std::map<std::string, int64_t> slices_by_writer;  // each with those that another saved first
};

// Visits the rows of a range of a manifest in order, page by page, until an error, which it
// returns.
absl::Status ForEachRow(Table* table, const Uid& manifest, const KeyRange& range,
                        absl::FunctionRef<absl::Status(const Row&)> visit);

// kDataLoss for a row that is not as it must be; `found` says how.
absl::Status DamagedRow(absl::string_view row_key, absl::string_view found);

// The record of a slice row, with its key.
struct SliceRow {
  SliceKey key;
  SliceRecord record;
};

// Errors: kDataLoss (key or value is not a slice row's, or they disagree).
absl::StatusOr<SliceRow> ParseSliceRow(const Row& row);

// The segments that a manifest's 03 rows list, ascending.
absl::StatusOr<std::vector<Uid>> SegmentsOf(Table* table, const Uid& manifest);

// Writes what the manifest adds up to into its end row. Buffered: the synced batch that publishes
// the checkpoint comes after it and makes both durable.
absl::Status WriteManifestEnd(Table* table, const Uid& manifest, const ManifestSummary& summary);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_MANIFEST_H_
