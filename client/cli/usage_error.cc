#include "client/cli/usage_error.h"

#include "absl/strings/cord.h"

namespace cairn::cli {
namespace {

constexpr char kUsageErrorUrl[] = "cairn.cli/usage_error";

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsageErrorUrl, absl::Cord());
  return status;
}

int ExitStatus(const absl::Status& status) {
  if (status.ok()) return kExitDone;
  return status.GetPayload(kUsageErrorUrl).has_value() ? kExitWrongUsage : kExitFailed;
}

}  // namespace cairn::cli
