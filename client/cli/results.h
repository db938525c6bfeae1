// Parts of documents and tables that several commands print.
#ifndef CAIRN_CLIENT_CLI_RESULTS_H_
#define CAIRN_CLIENT_CLI_RESULTS_H_

#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "absl/time/time.h"
#include "cairn/v1/types.pb.h"
#include "client/cli/output.h"

namespace cairn::cli {

// {"directory", "number", "uid", "reference"}; number null for a checkpoint without one.
Json CheckpointName(const v1::Checkpoint& checkpoint);

google::protobuf::Timestamp TimestampFrom(absl::Time time);
absl::Time TimeFrom(const google::protobuf::Timestamp& time);

// RFC 3339 in UTC.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_RESULTS_H_
