#include "storage/engine/rocksdb/journal_check.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

constexpr int64_t kNamedBatches = 10;  // in the message

}  // namespace

JournalCheck::JournalCheck(const std::vector<JournalEntry>& journal) : journal_(journal) {
  for (const JournalEntry& entry : journal) {
    behind_[entry.partition] = 0;
    newest_[entry.partition] = &entry;
  }
}

void JournalCheck::Found(const JournalEntry& row) {
  const auto newest = newest_.find(row.partition);
  if (newest == newest_.end()) return;
  const JournalEntry& line = *newest->second;
  if (row.sequence > line.sequence || row == line) {
    behind_.erase(row.partition);
  } else if (row.sequence == line.sequence) {
    behind_[row.partition] = row.sequence - 1;  // another batch in its place
  } else {
    behind_[row.partition] = row.sequence;
  }
}

absl::Status JournalCheck::Result() const {
  if (behind_.empty()) return absl::OkStatus();
  std::vector<absl::string_view> nouns;
  int64_t lost = 0;
  for (const JournalEntry& entry : journal_) {
    const auto behind = behind_.find(entry.partition);
    if (behind == behind_.end() || entry.sequence <= behind->second) continue;
    if (++lost <= kNamedBatches) nouns.push_back(entry.noun);
  }
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("the database lacks ", lost, lost == 1 ? " change" : " changes",
                                " that the commit journal saw acknowledged: ",
                                absl::StrJoin(nouns, ", "), lost > kNamedBatches ? ", ..." : ""));
}

}  // namespace cairn::storage
