#include "storage/engine/rocksdb/witness_rows.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "storage/engine/rocksdb/key_prefix.h"
#include "storage/engine/rocksdb/rocksdb_status.h"

namespace cairn::storage {
namespace {

constexpr absl::string_view kErased = "erased ";
constexpr absl::string_view kAttempt = "reading the witnesses of batches";

std::string KeyOf(absl::string_view id) { return absl::StrCat(WitnessRows::prefix(), id); }

absl::Status Damaged(absl::string_view found) {
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat(kAttempt, ": ", found));
}

}  // namespace

absl::string_view WitnessRows::prefix() {
  static const Uid kZero;
  return kZero.bytes();
}

rocksdb::Status WitnessRows::Put(const JournalEntry& entry, rocksdb::WriteBatch* batch) const {
  // As in every partition, the end row proves that none before it was lost.
  rocksdb::Status status =
      batch->Put(directory_, KeyOf(kEndRow), rocksdb::Slice(kEndValue.data(), kEndValue.size()));
  if (!status.ok()) return status;
  return batch->Put(directory_, KeyOf(entry.partition.bytes()), FormatEntry(entry));
}

absl::Status WitnessRows::PutErased(const Partition& partition, rocksdb::WriteBatch* batch) const {
  if (partition.table != Partition::Table::kDirectory) return absl::OkStatus();
  const std::string key = KeyOf(partition.id);
  std::string value;
  rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), directory_, key, &value);
  if (status.IsNotFound()) return absl::OkStatus();
  if (status.ok()) {
    status = batch->Put(directory_, key, absl::StrCat(kErased, absl::StripPrefix(value, kErased)));
  }
  return FromRocksDb(status, kAttempt);
}

absl::Status WitnessRows::ForEach(
    absl::FunctionRef<absl::Status(const JournalEntry& entry, bool erased)> visit) const {
  const KeyPrefix range(prefix());
  const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator(range.ReadOptions(), directory_));
  bool any = false;
  for (row->Seek(rocksdb::Slice(prefix().data(), prefix().size())); row->Valid(); row->Next()) {
    absl::string_view key(row->key().data(), row->key().size());
    key.remove_prefix(prefix().size());
    if (key == kEndRow) return absl::OkStatus();
    any = true;
    absl::string_view value(row->value().data(), row->value().size());
    const bool erased = absl::ConsumePrefix(&value, kErased);
    const std::optional<JournalEntry> entry = ParseEntry(value);
    if (!entry || entry->partition.bytes() != key) return Damaged("a row is no witness");
    CAIRN_RETURN_IF_ERROR(visit(*entry, erased));
  }
  CAIRN_RETURN_IF_ERROR(FromRocksDb(row->status(), kAttempt));
  return any ? Damaged("rows were lost: their end was not reached") : absl::OkStatus();
}

absl::Status WitnessRows::Forget(absl::Span<const Uid> erased) const {
  constexpr absl::string_view kForgetting = "forgetting the witnesses of erased partitions";
  rocksdb::WriteBatch batch;
  for (const Uid& partition : erased) {
    CAIRN_RETURN_IF_ERROR(
        FromRocksDb(batch.Delete(directory_, KeyOf(partition.bytes())), kForgetting));
  }
  if (erased.empty()) return absl::OkStatus();
  return FromRocksDb(db_->Write(rocksdb::WriteOptions(), &batch), kForgetting);
}

}  // namespace cairn::storage
