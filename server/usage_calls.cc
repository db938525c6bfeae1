#include "server/usage_calls.h"

#include "base/error.h"

namespace cairn::server {

absl::StatusOr<v1::Usage> UsageCalls::Get(const v1::GetUsageRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(const storage::Usage usage,
                         services_.store->GetUsage(request.directory(), request.checkpoint()));
  v1::Usage answer;
  answer.set_logical_bytes(usage.logical_bytes);
  answer.set_stored_bytes(usage.stored_bytes);
  answer.set_shared_bytes(usage.shared_bytes);
  answer.set_freed_by_delete_bytes(usage.freed_by_delete_bytes);
  return answer;
}

}  // namespace cairn::server
