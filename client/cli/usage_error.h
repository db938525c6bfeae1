// Arguments of a wrong form, which end the program with another status than a command that failed.
#ifndef CAIRN_CLIENT_CLI_USAGE_ERROR_H_
#define CAIRN_CLIENT_CLI_USAGE_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongUsage = 2;

// kInvalidArgument, marked as one of the command line.
absl::Status UsageError(absl::string_view message);

// With which status the program ends.
int ExitStatus(const absl::Status& status);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_USAGE_ERROR_H_
