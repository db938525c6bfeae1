#include "storage/borrows.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/error.h"
#include "storage/chunk_set.h"
#include "storage/directory_keys.h"
#include "storage/record_rows.h"

namespace cairn::storage {
namespace {

using v1::BorrowRecord;

// Each row stands in a condition and an edit, and the source's row of it in another condition.
constexpr size_t kMaxBytesOfBatch = kMaxBatchBytes / 2;
constexpr size_t kMaxRowsOfBatch = kMaxBatchRows / 4;

using Segment = ReusedSegments::value_type;

absl::Status SourceGone(const BorrowTerms& terms) {
  return MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("cannot copy checkpoint uid:", terms.source.ToHex(),
                                ": it was deleted meanwhile"),
                   {{"checkpoint", absl::StrCat("uid:", terms.source.ToHex())}});
}

// Requires that a row is as it is now.
absl::Status RequireRow(const BorrowTerms& terms, const std::string& key, Batch* batch) {
  CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                         terms.table->Get(batch->partition, key));
  if (!bytes) return SourceGone(terms);
  batch->RequireEqual(key, *bytes);
  return absl::OkStatus();
}

absl::Status AddBorrow(const BorrowTerms& terms, const Segment& segment, Batch* batch) {
  const std::string key = BorrowKey(segment.first, terms.borrower);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<BorrowRecord>> stored,
                         ReadRecord<BorrowRecord>(terms.table, batch->partition, key));
  BorrowRecord borrow;
  if (stored) {
    borrow = stored->record;
    batch->RequireEqual(key, stored->bytes);
  } else {
    borrow.set_create_time(absl::ToUnixMicros(terms.clock->Now()));
    batch->RequireAbsent(key);
  }
  borrow.set_use_count(borrow.use_count() + 1);
  ChunkSet chunks(borrow.chunks());
  for (const auto& [chunk, bytes] : segment.second.chunks) chunks.Add(chunk);
  borrow.set_chunks(chunks.bitmap());
  batch->Put(key, borrow.SerializeAsString());
  return absl::OkStatus();
}

// Writes rows into the partition of `owner`; gives how many of the segments.
absl::StatusOr<size_t> WriteSome(const BorrowTerms& terms, const Uid& owner,
                                 absl::Span<const Segment* const> segments) {
  Attempts attempts("borrowing segments");
  while (attempts.Next()) {
    Batch batch{.partition = Partition::Directory(owner)};
    const bool owned_by_source = owner == terms.source_directory;
    if (owned_by_source) {
      CAIRN_RETURN_IF_ERROR(RequireRow(terms, CheckpointKey(terms.source), &batch));
    }
    size_t count = 0;
    while (count < segments.size() && count < kMaxRowsOfBatch && batch.bytes() < kMaxBytesOfBatch) {
      const Segment& segment = *segments[count++];
      if (!owned_by_source) {
        CAIRN_RETURN_IF_ERROR(
            RequireRow(terms, BorrowKey(segment.first, terms.source_directory), &batch));
      }
      CAIRN_RETURN_IF_ERROR(AddBorrow(terms, segment, &batch));
    }
    CAIRN_ASSIGN_OR_RETURN(const bool written, attempts.Write(terms.table, batch));
    if (written) return count;
  }
  return attempts.Exhausted();
}

}  // namespace

absl::Status WriteBorrows(const BorrowTerms& terms, const ReusedSegments& segments) {
  std::map<Uid, std::vector<const Segment*>> by_owner;
  for (const Segment& segment : segments) {
    if (segment.second.owner != terms.borrower) by_owner[segment.second.owner].push_back(&segment);
  }
  for (const auto& [owner, borrowed] : by_owner) {
    absl::Span<const Segment* const> rest = borrowed;
    while (!rest.empty()) {
      CAIRN_ASSIGN_OR_RETURN(const size_t written, WriteSome(terms, owner, rest));
      rest.remove_prefix(written);
    }
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
