// One restore from the opening of its lease to its end.
#ifndef CAIRN_CLIENT_RESTORE_RUN_H_
#define CAIRN_CLIENT_RESTORE_RUN_H_

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/uid.h"
#include "client/connection.h"
#include "client/restore.h"

namespace cairn {

// Client::Restore with the clock and the randomness of the caller's; `request.streams` is taken
// from the options.
absl::StatusOr<RestoreResult> RunRestore(Connection& connection, v1::OpenRestoreRequest request,
                                         const RestoreOptions& options, SliceSink& sink,
                                         Clock* clock, Random* random);

}  // namespace cairn

#endif  // CAIRN_CLIENT_RESTORE_RUN_H_
