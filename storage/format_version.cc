#include "storage/format_version.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/record_rows.h"

namespace cairn::storage {
namespace {

using v1::StoreRecord;

constexpr char kStoreKey[] = "store";

Partition StorePartition() { return Partition::Catalog(Partition::kStorePartition); }

absl::Status CheckFormat(const StoreRecord& record) {
  const int found = record.format_version();
  if (found < 1 || !Uid::FromBytes(record.incarnation()))
    return DamagedRow(StorePartition(), kStoreKey);
  if (found == kFormatVersion) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_FORMAT_TOO_NEW, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot open the store: it has format ", found, " and this program knows up to ",
                   kFormatVersion, "; run the newer version that wrote it"),
      {{"found", absl::StrCat(found)}, {"supported", absl::StrCat(kFormatVersion)}});
}

}  // namespace

absl::StatusOr<StoreRecord> OpenStoreRecord(const StoreOptions& options) {
  Attempts attempts("opening the store");
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<StoreRecord>> found,
                           ReadRecord<StoreRecord>(options.table, StorePartition(), kStoreKey));
    if (found) {
      CAIRN_RETURN_IF_ERROR(CheckFormat(found->record));
      return found->record;
    }
    StoreRecord record;
    record.set_format_version(kFormatVersion);
    record.set_incarnation(std::string(options.random->NextUid().bytes()));
    record.set_create_time(absl::ToUnixMicros(options.clock->Now()));
    Batch batch{.partition = StorePartition()};
    batch.RequireAbsent(kStoreKey).Put(kStoreKey, record.SerializeAsString());
    const absl::Status written = attempts.Write(options.table, batch).status();
    // Nothing is left of the store; it opens all the same, so that whoever asks it hears why.
    if (ReasonOf(written) == ErrorReason::ERROR_REASON_STORE_READ_ONLY) return record;
    CAIRN_RETURN_IF_ERROR(written);
  }
  return attempts.Exhausted();
}

}  // namespace cairn::storage
