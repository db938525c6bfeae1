#include "server/admin_service.h"

#include <grpcpp/server_context.h>

#include "absl/status/statusor.h"
#include "base/error.h"
#include "cairn/admin/v1/admin_service.grpc.pb.h"
#include "server/unary_call.h"

namespace cairn::server {
namespace {

namespace api = ::cairn::admin::v1;

// The calls as functions of their requests; admin_service.proto documents them.
class AdminCalls {
 public:
  explicit AdminCalls(const Services& services) : services_(services) {}

  absl::StatusOr<api::CollectResponse> Collect(const api::CollectRequest& /*request*/) {
    CAIRN_ASSIGN_OR_RETURN(const storage::CollectResult result,
                           services_.store->Collect(storage::CollectScope::kEverything));
    api::CollectResponse response;
    response.set_freed_bytes(result.freed_bytes);
    response.set_manifests(result.manifests);
    response.set_segments(result.segments);
    response.set_shrunk_segments(result.shrunk_segments);
    response.set_sessions(result.sessions);
    return response;
  }

 private:
  const Services services_;
};

class AdminServiceImpl final : public api::AdminService::Service {
 public:
  explicit AdminServiceImpl(const Services& services) : calls_(services) {}

  grpc::Status Collect(grpc::ServerContext* context, const api::CollectRequest* request,
                       api::CollectResponse* response) override {
    return Run("Collect", context, calls_, &AdminCalls::Collect, *request, response);
  }

 private:
  AdminCalls calls_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(const Services& services) {
  return std::make_unique<AdminServiceImpl>(services);
}

}  // namespace cairn::server
