// The two bulk calls over gRPC, their payload sent and received without passing through protobuf.
#ifndef CAIRN_CLIENT_BULK_STREAMS_H_
#define CAIRN_CLIENT_BULK_STREAMS_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "client/connection.h"

namespace cairn {

// `server` ("HOST:PORT") is for messages. Each starts its call at once.
std::unique_ptr<UploadStream> StartUpload(std::shared_ptr<grpc::Channel> channel,
                                          std::string server);
std::unique_ptr<DownloadStream> StartDownload(std::shared_ptr<grpc::Channel> channel,
                                              std::string server,
                                              const v1::DownloadSlicesRequest& request);

}  // namespace cairn

#endif  // CAIRN_CLIENT_BULK_STREAMS_H_
