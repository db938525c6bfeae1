// The slices of an incremental save's base, piece by piece.
#ifndef CAIRN_STORAGE_BASE_SLICES_H_
#define CAIRN_STORAGE_BASE_SLICES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/manifest.h"
#include "storage/store.h"

namespace cairn::storage {

// Requires: the manifest and all that it uses stay while this lives. One thread at a time. Keeps
// the row read last, so that ascending ranges read each once.
class BaseSlices {
 public:
  // `table` is not owned and outlives this.
  BaseSlices(Table* table, const Uid& manifest) : table_(table), manifest_(manifest) {}

  // Visits the pieces that `length` bytes from where `range` begins are made of, in order, each
  // with the record that its extents refer to. Errors: kInvalidArgument naming the field and what
  // is there (no such slice; past its end; a piece is cut); those of `visit`.
  absl::Status ForEachPiece(
      const BaseRange& range, int64_t length,
      absl::FunctionRef<absl::Status(const SliceRecord& record, const v1::Piece& piece)> visit);

 private:
  absl::StatusOr<Box> BoxOf(const BaseRange& range) const;
  // Makes row_ the one that holds byte `offset` of a slice. Errors: kInvalidArgument (none does).
  absl::Status Load(const BaseRange& range, const Box& box, int64_t offset);

  Table* const table_;
  const Uid manifest_;
  std::optional<SliceRow> row_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_BASE_SLICES_H_
