// AdminService over gRPC: what an operator asks of the server.
#ifndef CAIRN_SERVER_ADMIN_SERVICE_H_
#define CAIRN_SERVER_ADMIN_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "server/services.h"

namespace cairn::server {

// `services` outlives the service, which is thread-safe.
std::unique_ptr<grpc::Service> NewAdminService(const Services& services);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_ADMIN_SERVICE_H_
