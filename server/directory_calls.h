// The calls of CheckpointService about the server and its directories, as functions of their
// requests; checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_DIRECTORY_CALLS_H_
#define CAIRN_SERVER_DIRECTORY_CALLS_H_

#include <google/protobuf/empty.pb.h>

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class DirectoryCalls {
 public:
  explicit DirectoryCalls(const Services& services) : services_(services) {}

  absl::StatusOr<v1::ServerInfo> GetServerInfo(const v1::GetServerInfoRequest& request);
  absl::StatusOr<v1::Directory> Get(const v1::GetDirectoryRequest& request);
  absl::StatusOr<v1::ListDirectoriesResponse> List(const v1::ListDirectoriesRequest& request);
  absl::StatusOr<v1::Directory> Create(const v1::CreateDirectoryRequest& request);
  absl::StatusOr<v1::Directory> Update(const v1::UpdateDirectoryRequest& request);
  absl::StatusOr<google::protobuf::Empty> Delete(const v1::DeleteDirectoryRequest& request);

 private:
  const Services services_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_DIRECTORY_CALLS_H_
