#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/logging.h"
#include "server/admin_service.h"
#include "server/admission.h"
#include "server/checkpoint_service.h"
#include "server/collector_thread.h"
#include "server/listen_failure.h"
#include "server/transfer_service.h"

namespace cairn::server {
namespace {

// Threads for unary calls, beside one for every stream.
constexpr int kUnaryThreads = 32;
// Of any message; the bulk calls have a smaller limit of their own, SaveCheckpoint needs this.
constexpr int kMaxReceiveBytes = 4 << 20;
// A peer that does not answer for so long is gone, and its stream's slot is free again.
constexpr int kKeepaliveMilliseconds = 60 * 1000;
constexpr int kKeepaliveTimeoutMilliseconds = 20 * 1000;
constexpr int kMinClientPingMilliseconds = 10 * 1000;

// The reflection library adds itself to every server of a process that links it; this takes it out.
class WithoutReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
                                    return plugin->name() == "proto_server_reflection";
                                  }),
                   plugins->end());
  }
};

class ServerImpl final : public Server {
 public:
  ServerImpl(const Config& config, storage::Store* store)
      : admission_({.max_streams = config.max_streams(),
                    .buffer_bytes = config.buffer_bytes(),
                    .reserve_bytes = config.reserve_bytes(),
                    .data = config.data()}),
        collector_(store, absl::Seconds(config.collect_seconds())),
        checkpoints_(NewCheckpointService({store, &admission_, &collector_})),
        admin_(NewAdminService({store, &admission_, &collector_})),
        transfers_({store, &admission_, &collector_}) {}
  ~ServerImpl() override { Drain(absl::ZeroDuration()); }

  absl::Status Listen(const Config& config);

  int port() const override { return port_; }
  std::string address() const override {
    return absl::StrCat(listen_.substr(0, listen_.rfind(':')), ":", port_);
  }
  void SetServing(bool serving) override;
  bool Drain(absl::Duration timeout) override;

 private:
  void Configure(const Config& config, grpc::ServerBuilder* builder);

  std::string listen_;
  int port_ = 0;
  Admission admission_;
  CollectorThread collector_;
  std::unique_ptr<grpc::Service> checkpoints_;
  std::unique_ptr<grpc::Service> admin_;
  TransferService transfers_;
  std::unique_ptr<grpc::Server> server_;
  Mutex drain_mutex_;
  bool drained_ CAIRN_GUARDED_BY(drain_mutex_) = false;
};

void ServerImpl::Configure(const Config& config, grpc::ServerBuilder* builder) {
  // Unbounded, a few thousand slow streams would be as many threads.
  grpc::ResourceQuota quota("cairnd");
  quota.SetMaxThreads(config.max_streams() + kUnaryThreads);
  builder->SetResourceQuota(quota);
  builder->SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                              config.max_streams() + kUnaryThreads);
  // Two servers on one port would each answer a part of the calls.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kMinClientPingMilliseconds);
  if (config.reflection()) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder->SetOption(std::make_unique<WithoutReflection>());
  }
  builder->RegisterService(checkpoints_.get());
  builder->RegisterService(admin_.get());
  builder->RegisterService(&transfers_);
  builder->AddListeningPort(config.listen(), grpc::InsecureServerCredentials(), &port_);
}

absl::Status ServerImpl::Listen(const Config& config) {
  listen_ = config.listen();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  Configure(config, &builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) return ExplainListenFailure(listen_);
  SetServing(true);
  CAIRN_LOG(kInfo) << "listening address=" << address();
  return absl::OkStatus();
}

void ServerImpl::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  // The name "" stands for the server as a whole; this sets it and what was set before.
  health->SetServingStatus(serving);
  for (const char* service :
       {"cairn.v1.CheckpointService", "cairn.v1.TransferService", "cairn.admin.v1.AdminService"}) {
    health->SetServingStatus(service, serving);
  }
}

bool ServerImpl::Drain(absl::Duration timeout) {
  MutexLock lock(&drain_mutex_);
  if (drained_ || server_ == nullptr) return true;
  drained_ = true;
  const absl::Time deadline = Clock::System()->Now() + timeout;
  SetServing(false);
  admission_.Drain();
  // While streams run, the calls that seal and commit what they brought are still answered.
  const bool finished = admission_.WaitForStreams(timeout);
  server_->Shutdown(
      absl::ToChronoTime(std::max(deadline, Clock::System()->Now() + absl::Seconds(1))));
  server_->Wait();
  CAIRN_LOG(kInfo) << "stopped finished_all_streams=" << finished;
  return finished;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, storage::Store* store) {
  auto server = std::make_unique<ServerImpl>(config, store);
  CAIRN_RETURN_IF_ERROR(server->Listen(config));
  return server;
}

}  // namespace cairn::server
