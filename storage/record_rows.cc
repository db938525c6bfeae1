#include "storage/record_rows.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/directory_keys.h"

namespace cairn::storage {
namespace {

// How far ScanDescending looks back at a time: enough for a page where keys are dense.
constexpr uint64_t kFirstWindow = 256;
constexpr uint64_t kLastWindow = 64 << 10;

std::string NumberedKey(absl::string_view prefix, uint64_t number) {
  return absl::StrCat(prefix, BigEndian(number));
}

// Where the rows below a number end.
std::string EndKey(absl::string_view prefix, std::optional<uint64_t> below) {
  return below ? NumberedKey(prefix, *below) : PrefixEnd(prefix);
}

// The greatest number of a row below `below`, found by halving; nullopt: there is none.
absl::StatusOr<std::optional<uint64_t>> LastNumber(Table* table, const Partition& partition,
                                                   absl::string_view prefix,
                                                   std::optional<uint64_t> below) {
  const std::string end = EndKey(prefix, below);
  const uint64_t greatest = below.value_or(0) - 1;  // wraps around to the greatest of all
  std::optional<uint64_t> last;
  uint64_t low = 0;
  uint64_t high = greatest;
  while (low <= high) {
    const uint64_t middle = last ? low + (high - low) / 2 : 0;
    CAIRN_ASSIGN_OR_RETURN(
        const Page page, table->Scan(partition, NumberedKey(prefix, middle), end, /*max_rows=*/1));
    if (page.rows.empty()) {
      if (middle == 0) break;
      high = middle - 1;
    } else {
      last = BigEndianSuffix(page.rows.front().key);
      if (*last == greatest) break;
      low = *last + 1;
    }
  }
  return last;
}

}  // namespace

absl::Status DamagedRow(const Partition& partition, absl::string_view key) {
  return MakeError(
      ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
      absl::StrCat("cannot read row ", absl::CHexEscape(key), " of ", partition.ToString(),
                   ": its value is no record of its kind; restore the store from a backup"),
      {{"partition", partition.ToString()}});
}

absl::StatusOr<Uid> UidFromRow(const Partition& partition, absl::string_view key,
                               absl::string_view bytes) {
  const std::optional<Uid> uid = Uid::FromBytes(bytes);
  if (!uid) return DamagedRow(partition, key);
  return *uid;
}

absl::StatusOr<std::optional<Uid>> ReadUid(Table* table, const Partition& partition,
                                           absl::string_view key) {
  CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, table->Get(partition, key));
  if (!bytes) return std::nullopt;
  CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(partition, key, *bytes));
  return uid;
}

absl::Status VisitRows(Table* table, const Partition& partition, absl::string_view begin,
                       absl::string_view end,
                       absl::FunctionRef<absl::StatusOr<bool>(const Row&)> visit) {
  std::string from(begin);
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Page page, table->Scan(partition, from, end));
    for (const Row& row : page.rows) {
      CAIRN_ASSIGN_OR_RETURN(const bool more, visit(row));
      if (!more) return absl::OkStatus();
    }
    if (page.complete || page.rows.empty()) return absl::OkStatus();
    from = page.rows.back().key + '\0';
  }
}

absl::StatusOr<std::vector<Row>> ScanDescending(Table* table, const Partition& partition,
                                                absl::string_view prefix,
                                                std::optional<uint64_t> below, int max_rows) {
  std::vector<Row> result;
  uint64_t window = kFirstWindow;
  while (result.size() < static_cast<size_t>(max_rows) && below != uint64_t{0}) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<uint64_t> last,
                           LastNumber(table, partition, prefix, below));
    if (!last) break;
    const uint64_t first = *last >= window ? *last - window + 1 : 0;
    const size_t before = result.size();
    CAIRN_RETURN_IF_ERROR(VisitRows(table, partition, NumberedKey(prefix, first),
                                    EndKey(prefix, below), [&](const Row& row) {
                                      result.push_back(row);
                                      return true;
                                    }));
    std::reverse(result.begin() + before, result.end());
    // Sparse rows: look further at a time.
    if (result.size() - before < window / 4) window = std::min(2 * window, kLastWindow);
    below = first;
  }
  if (result.size() > static_cast<size_t>(max_rows)) result.resize(max_rows);
  return result;
}

absl::StatusOr<bool> Attempts::Write(Table* table, const Batch& batch) {
  absl::StatusOr<WriteResult> result = table->Write(batch);
  if (result.ok()) return result->applied();
  const ErrorReason reason = ReasonOf(result.status());
  // What turned the store read-only may be the write before, which may be found after a restart.
  if (reason == ErrorReason::ERROR_REASON_STORE_READ_ONLY && maybe_applied()) return unknown_;
  if (reason != ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN) {
    return WithContext(std::move(result).status(), what_);
  }
  unknown_ = WithContext(std::move(result).status(), what_);
  return false;
}

absl::Status Attempts::Exhausted() const {
  if (maybe_applied()) return unknown_;
  return absl::AbortedError(absl::StrCat(what_, ": others changed the same rows ", kMaxAttempts,
                                         " times meanwhile; try again"));
}

}  // namespace cairn::storage
