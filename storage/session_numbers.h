// Which number a save gets. Fixed when its session opens, and promised to it until it ends.
#ifndef CAIRN_STORAGE_SESSION_NUMBERS_H_
#define CAIRN_STORAGE_SESSION_NUMBERS_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog.h"
#include "storage/store.h"

namespace cairn::storage {

struct NumberChoice {
  int64_t number = 0;
  int64_t save_counter = 0;  // of the head from now on
};

// The session of this id if it is still open, which may end it because its lease is over.
using FindOpenSession =
    absl::FunctionRef<absl::StatusOr<std::optional<SessionRecord>>(absl::string_view session)>;

// Chooses for a session that opens. The choice stands if the head is unchanged when it is written.
// Errors: kAlreadyExists with reason NUMBER_TAKEN; kFailedPrecondition with reason
// CHECKPOINT_PROTECTED (to be replaced, but tagged).
absl::StatusOr<NumberChoice> ChooseNumber(Table* table, const Directory& directory,
                                          std::optional<int64_t> number, bool replace,
                                          FindOpenSession find_open);

// kAlreadyExists with reason NUMBER_TAKEN. `found` completes "number 7 ...".
absl::Status NumberTaken(const Directory& directory, int64_t number, absl::string_view found);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SESSION_NUMBERS_H_
