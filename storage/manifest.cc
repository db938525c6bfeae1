#include "storage/manifest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/row_scanner.h"

namespace cairn::storage {
namespace {

bool SaysTheSame(const SliceKey& key, const SliceRecord& record) {
  const Box& box = key.box;
  return record.shape_size() == box.rank() &&
         std::equal(box.start.begin(), box.start.end(), record.start().begin(),
                    record.start().end()) &&
         std::equal(box.length.begin(), box.length.end(), record.length().begin(),
                    record.length().end()) &&
         record.begin() >= 0 && record.end() >= record.begin() &&
         record.begin() / kPieceBytes == key.part;
}

}  // namespace

absl::Status DamagedRow(absl::string_view row_key, absl::string_view found) {
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("cannot read row ", absl::CHexEscape(row_key),
                                " of a manifest: ", found, "; restore the store from a backup"),
                   {{"key", absl::CHexEscape(row_key)}});
}

absl::Status ForEachRow(Table* table, const Uid& manifest, const KeyRange& range,
                        absl::FunctionRef<absl::Status(const Row&)> visit) {
  RowScanner rows(table, manifest, {range});
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) return absl::OkStatus();
    CAIRN_RETURN_IF_ERROR(visit(*row));
  }
}

absl::StatusOr<SliceRow> ParseSliceRow(const Row& row) {
  std::optional<SliceKey> key = DecodeSliceKey(row.key);
  if (!key) return DamagedRow(row.key, "its key is not that of a slice");
  SliceRow slice{*std::move(key), {}};
  if (!slice.record.ParseFromString(row.value)) {
    return DamagedRow(row.key, absl::StrCat("the record of ", slice.key.key, " does not parse"));
  }
  if (!SaysTheSame(slice.key, slice.record)) {
    return DamagedRow(row.key, absl::StrCat("key and record of ", slice.key.key, " disagree"));
  }
  return slice;
}

absl::StatusOr<std::vector<Uid>> SegmentsOf(Table* table, const Uid& manifest) {
  std::vector<Uid> segments;
  CAIRN_RETURN_IF_ERROR(
      ForEachRow(table, manifest, RowsOfSegments(), [&](const Row& row) -> absl::Status {
        const std::optional<Uid> uid = DecodeSegmentKey(row.key);
        if (!uid) return DamagedRow(row.key, "its key is not that of a segment");
        segments.push_back(*uid);
        return absl::OkStatus();
      }));
  return segments;
}

absl::Status WriteManifestEnd(Table* table, const Uid& manifest, const ManifestSummary& summary) {
  v1::EndRecord end;
  end.set_version(1);
  end.set_row_count(summary.row_count);
  end.set_rows_xxh3(summary.rows_xxh3);
  Batch batch{.partition = Partition::Manifest(manifest), .durability = Durability::kBuffered};
  batch.Put(std::string(kEndRow), end.SerializeAsString());
  CAIRN_ASSIGN_OR_RETURN(WriteResult result, table->Write(batch), "ending the manifest");
  CAIRN_CHECK(result.applied());
  return absl::OkStatus();
}

}  // namespace cairn::storage
