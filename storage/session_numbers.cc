#include "storage/session_numbers.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/checkpoints.h"
#include "storage/directory_keys.h"

namespace cairn::storage {
namespace {

// An open session that holds the number; nullopt: none. With `replace`, one that replaces too is no
// obstacle.
absl::StatusOr<std::optional<SessionRecord>> FindHolder(Table* table, const Directory& directory,
                                                        int64_t number, bool replace,
                                                        FindOpenSession find_open) {
  std::optional<SessionRecord> holder;
  const std::string prefix = PromisePrefix(number);
  CAIRN_RETURN_IF_ERROR(VisitRows(table, directory.partition(), prefix, PrefixEnd(prefix),
                                  [&](const Row& row) -> absl::StatusOr<bool> {
                                    CAIRN_ASSIGN_OR_RETURN(holder, find_open(row.value));
                                    if (holder && replace && holder->replace()) holder.reset();
                                    return !holder;
                                  }));
  return holder;
}

// The first number from `candidate` on that no checkpoint has.
absl::StatusOr<int64_t> FirstUnused(Table* table, const Directory& directory, int64_t candidate) {
  CAIRN_RETURN_IF_ERROR(VisitRows(table, directory.partition(), NumberKey(candidate),
                                  PrefixEnd(kNumberPrefix), [&](const Row& row) {
                                    const bool used = BigEndianSuffix(row.key) ==
                                                      static_cast<uint64_t>(candidate);
                                    if (used) ++candidate;
                                    return used;
                                  }));
  return candidate;
}

absl::StatusOr<NumberChoice> NextNumber(Table* table, const Directory& directory,
                                        FindOpenSession find_open) {
  int64_t candidate = directory.head.record.save_counter() + 1;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(candidate, FirstUnused(table, directory, candidate));
    CAIRN_ASSIGN_OR_RETURN(const std::optional<SessionRecord> holder,
                           FindHolder(table, directory, candidate, /*replace=*/false, find_open));
    if (!holder) return NumberChoice{.number = candidate, .save_counter = candidate};
    ++candidate;
  }
}

}  // namespace

absl::Status NumberTaken(const Directory& directory, int64_t number, absl::string_view found) {
  return MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("number ", number, " ", found, " in ", directory.path(),
                                "; choose another number (--number) or replace it (--replace)"),
                   {{"directory", directory.path()}, {"number", absl::StrCat(number)}});
}

absl::StatusOr<NumberChoice> ChooseNumber(Table* table, const Directory& directory,
                                          std::optional<int64_t> number, bool replace,
                                          FindOpenSession find_open) {
  if (!number) return NextNumber(table, directory, find_open);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Uid> used,
                         ReadUid(table, directory.partition(), NumberKey(*number)));
  if (used && !replace) return NumberTaken(directory, *number, "is in use");
  if (used) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<CheckpointRecord>> replaced,
                           ReadCheckpoint(table, directory, *used));
    if (replaced) CAIRN_RETURN_IF_ERROR(CheckUnprotected(directory, replaced->record, "replace"));
  }
  CAIRN_ASSIGN_OR_RETURN(const std::optional<SessionRecord> holder,
                         FindHolder(table, directory, *number, replace, find_open));
  if (holder) {
    return NumberTaken(directory, *number,
                       absl::StrCat("is promised to the open session ", holder->session()));
  }
  return NumberChoice{.number = *number, .save_counter = directory.head.record.save_counter() + 1};
}

}  // namespace cairn::storage
