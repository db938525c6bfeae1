#include "storage/engine/table.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

absl::Status LimitPassed(const Partition& partition, absl::string_view found) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot use a row of ", partition.ToString(), ": ", found));
}

bool IsKnown(const Partition& partition) {
  const std::string& id = partition.id;
  switch (partition.table) {
    case Partition::Table::kCatalog:
      return id.size() == 1 && id[0] >= 0 && id[0] <= Partition::kStorePartition;
    case Partition::Table::kDirectory:
      return id.size() == Uid::kBytes && id != Uid().bytes();  // that one is an engine's own
    case Partition::Table::kSlices:
      break;
  }
  return id.size() == Uid::kBytes;
}

absl::Status CheckPartition(const Partition& partition) {
  if (IsKnown(partition)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("no partition can be called ", partition.ToString(),
                   ": ids are a byte up to 64 in the catalog and 16 bytes elsewhere, not all zero "
                   "for a directory"));
}

absl::Status CheckKey(const Partition& partition, absl::string_view key) {
  if (key.empty() || key.size() > kMaxRowKeyBytes) {
    return LimitPassed(partition, absl::StrCat("its key has ", key.size(),
                                               " bytes, keys have 1 to ", kMaxRowKeyBytes));
  }
  if (key > kEndRow) return LimitPassed(partition, "its key sorts after the end row");
  return absl::OkStatus();
}

absl::Status CheckEdit(const Partition& partition, const Edit& edit) {
  CAIRN_RETURN_IF_ERROR(CheckKey(partition, edit.key));
  if (!edit.value.has_value()) {
    if (edit.key == kEndRow)
      return LimitPassed(partition, "the end row is erased with the whole partition only");
    return absl::OkStatus();
  }
  if (edit.value->empty() || edit.value->size() > kMaxValueBytes) {
    return LimitPassed(partition, absl::StrCat("its value has ", edit.value->size(),
                                               " bytes, values have 1 to ", kMaxValueBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckWitness(const Batch& batch) {
  const Witness& witness = *batch.witness;
  const bool has_place = batch.partition.table == Partition::Table::kDirectory &&
                         batch.durability == Durability::kSynced;
  const bool is_noun = !witness.noun.empty() && witness.noun.size() <= kMaxNounBytes &&
                       witness.noun.find('\n') == std::string::npos;
  if (has_place && is_noun && witness.sequence >= 1 && witness.rows >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("cannot write a batch to ", batch.partition.ToString(), " with the witness '",
                   witness.noun, "' of change ", witness.sequence,
                   ": only synced batches of directories have one, its noun is a line of 1 to ",
                   kMaxNounBytes, " bytes, and sequences begin with 1"));
}

absl::Status CheckBatch(const Batch& batch) {
  CAIRN_RETURN_IF_ERROR(CheckPartition(batch.partition));
  const size_t rows = batch.conditions.size() + batch.edits.size();
  if (rows > kMaxBatchRows) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write a batch to ", batch.partition.ToString(), ": it has ", rows,
                     " conditions and edits, batches have up to ", kMaxBatchRows));
  }
  if (batch.bytes() > kMaxBatchBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write a batch to ", batch.partition.ToString(), ": it has ",
                     batch.bytes(), " bytes, batches have up to ", kMaxBatchBytes));
  }
  if (batch.witness) CAIRN_RETURN_IF_ERROR(CheckWitness(batch));
  for (const Condition& condition : batch.conditions) {
    CAIRN_RETURN_IF_ERROR(CheckKey(batch.partition, condition.key));
  }
  for (const Edit& edit : batch.edits) {
    CAIRN_RETURN_IF_ERROR(CheckEdit(batch.partition, edit));
  }
  return absl::OkStatus();
}

absl::Status RowsLost(const Partition& partition) {
  return MakeError(
      ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
      absl::StrCat(
          "rows of ", partition.ToString(),
          " were lost: reading ended before the row that ends the partition; restore the data "
          "folder from a backup"),
      {{"partition", partition.ToString()}});
}

absl::string_view TableName(Partition::Table table) {
  switch (table) {
    case Partition::Table::kCatalog:
      return "catalog";
    case Partition::Table::kDirectory:
      return "directory";
    case Partition::Table::kSlices:
      return "slices";
  }
  return "unknown";
}

}  // namespace

std::string Partition::ToString() const {
  return absl::StrCat(TableName(table), "/", absl::BytesToHexString(id));
}

Batch& Batch::RequireAbsent(std::string key) {
  conditions.push_back({std::move(key), std::nullopt});
  return *this;
}

Batch& Batch::RequireEqual(std::string key, std::string value) {
  conditions.push_back({std::move(key), std::move(value)});
  return *this;
}

Batch& Batch::Put(std::string key, std::string value) {
  edits.push_back({std::move(key), std::move(value)});
  return *this;
}

Batch& Batch::Erase(std::string key) {
  edits.push_back({std::move(key), std::nullopt});
  return *this;
}

size_t Batch::bytes() const {
  size_t sum = 0;
  for (const Condition& condition : conditions) {
    sum += condition.key.size() + (condition.value.has_value() ? condition.value->size() : 0);
  }
  for (const Edit& edit : edits)
    sum += edit.key.size() + (edit.value.has_value() ? edit.value->size() : 0);
  return sum;
}

bool Batch::puts() const {
  return std::any_of(edits.begin(), edits.end(),
                     [](const Edit& edit) { return edit.value.has_value(); });
}

absl::StatusOr<std::optional<std::string>> Table::Get(const Partition& partition,
                                                      absl::string_view key) {
  CAIRN_RETURN_IF_ERROR(CheckPartition(partition));
  CAIRN_RETURN_IF_ERROR(CheckKey(partition, key));
  return DoGet(partition, key);
}

absl::StatusOr<Page> Table::Scan(const Partition& partition, absl::string_view begin,
                                 absl::string_view end, int max_rows) {
  CAIRN_RETURN_IF_ERROR(CheckPartition(partition));
  if (max_rows < 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot scan ", partition.ToString(),
                                                   ": a page of ", max_rows,
                                                   " rows; ask for at least 1"));
  }
  if (end.empty() || end > kEndRow) end = kEndRow;
  Page page;
  page.complete = begin >= end;
  if (page.complete) return page;

  max_rows = std::min(max_rows, kMaxBatchRows);
  // The row past the page proves that the page ends where the range does and not where rows were
  // lost.
  CAIRN_ASSIGN_OR_RETURN(page.rows, ScanOrProveEmpty(partition, begin, max_rows + 1));
  const auto later =
      std::lower_bound(page.rows.begin(), page.rows.end(), end,
                       [](const Row& row, absl::string_view key) { return row.key < key; });
  page.complete = later != page.rows.end() || page.rows.empty();
  page.rows.erase(later, page.rows.end());
  if (page.rows.size() > static_cast<size_t>(max_rows)) page.rows.pop_back();
  return page;
}

absl::StatusOr<std::vector<Row>> Table::ScanOrProveEmpty(const Partition& partition,
                                                         absl::string_view begin, int max_rows) {
  // A partition that is just being made may have been empty for the scan and not for the proof.
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    CAIRN_ASSIGN_OR_RETURN(std::vector<Row> rows, DoScan(partition, begin, max_rows));
    if (!rows.empty()) return rows;
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> end_row, DoGet(partition, kEndRow));
    if (end_row.has_value()) continue;
    CAIRN_ASSIGN_OR_RETURN(rows, DoScan(partition, "", 1));
    if (rows.empty()) return rows;
  }
  return RowsLost(partition);
}

absl::StatusOr<WriteResult> Table::Write(const Batch& batch) {
  CAIRN_RETURN_IF_ERROR(CheckBatch(batch));
  return DoWrite(batch);
}

absl::Status Table::ErasePartition(const Partition& partition) {
  std::string begin;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(Page page, Scan(partition, begin, "", kMaxBatchRows - 1));
    // Only the last batch is synced: it takes the earlier ones to the disk with it.
    Batch batch{.partition = partition,
                .durability = page.complete ? Durability::kSynced : Durability::kBuffered};
    for (Row& row : page.rows) batch.Erase(std::move(row.key));
    if (page.complete) batch.Erase(std::string(kEndRow));
    CAIRN_RETURN_IF_ERROR(DoWrite(batch).status());
    if (page.complete) return absl::OkStatus();
    begin = std::move(batch.edits.back().key);
  }
}

absl::Status Table::LoseRowForTest(const Partition& partition, absl::string_view key) {
  Batch batch{.partition = partition};
  return DoWrite(batch.Erase(std::string(key))).status();
}

}  // namespace cairn::storage
