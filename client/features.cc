#include "client/features.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {

bool HasFeature(const v1::ServerInfo& info, absl::string_view feature) {
  return std::find(info.features().begin(), info.features().end(), feature) !=
         info.features().end();
}

absl::Status RequireFeature(Connection& connection, absl::string_view feature) {
  CAIRN_ASSIGN_OR_RETURN(const v1::ServerInfo info, connection.GetServerInfo({}));
  if (HasFeature(info, feature)) return absl::OkStatus();
  return MakeError(ErrorReason::ERROR_REASON_NOT_YET, absl::StatusCode::kUnimplemented,
                   absl::StrCat("the server, version \"", info.version(), "\", does not know ",
                                feature, " and would ignore it; update the server, or do without"),
                   {{"feature", feature}});
}

}  // namespace cairn
