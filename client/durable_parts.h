// What of a session the server has already, asked after a connection broke.
#ifndef CAIRN_CLIENT_DURABLE_PARTS_H_
#define CAIRN_CLIENT_DURABLE_PARTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cairn/v1/types.pb.h"
#include "client/connection.h"
#include "client/save.h"
#include "client/save_plan.h"

namespace cairn {

// For each of `parts` of `slices` whether all of its bytes are durable in the session, sent by
// `writer`. Errors: Connection's.
absl::StatusOr<std::vector<bool>> FindDurable(Connection& connection,
                                              const v1::SaveSession& session,
                                              const std::string& writer,
                                              absl::Span<const SliceToSave> slices,
                                              absl::Span<const PartToSave> parts);

}  // namespace cairn

#endif  // CAIRN_CLIENT_DURABLE_PARTS_H_
