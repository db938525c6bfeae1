// One save from the opening of its session to its commit.
#ifndef CAIRN_CLIENT_SAVE_RUN_H_
#define CAIRN_CLIENT_SAVE_RUN_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/uid.h"
#include "client/connection.h"
#include "client/save.h"

namespace cairn {

// Client::Save with the clock and the randomness of the caller's.
absl::StatusOr<SaveResult> RunSave(Connection& connection, absl::string_view directory,
                                   absl::Span<const SliceToSave> slices, const SaveOptions& options,
                                   Clock* clock, Random* random);

}  // namespace cairn

#endif  // CAIRN_CLIENT_SAVE_RUN_H_
