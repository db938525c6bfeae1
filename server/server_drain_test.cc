// How a server takes streams and stops, over a store whose uploads can be waited for.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"
#include "cairn/v1/checkpoint_service.grpc.pb.h"
#include "cairn/v1/transfer_service.grpc.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "server/mock_store.h"
#include "server/server.h"

namespace cairn::server {
namespace {

namespace api = ::cairn::v1;

using ::testing::NiceMock;
using ::testing::Return;
using HealthCheckResponse = grpc::health::v1::HealthCheckResponse;

constexpr int kMaxStreams = 2;

class ServerDrainTest : public ::testing::Test {
 protected:
  // An upload that has named its session and goes on.
  struct RunningUpload {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<api::UploadSlicesRequest, api::UploadSlicesResponse>>
        call;
  };

  void SetUp() override {
    ON_CALL(store_, Collect).WillByDefault(Return(storage::CollectResult()));
    ON_CALL(store_, NewSliceWriter).WillByDefault([this] {
      auto writer = std::make_unique<NiceMock<MockSliceWriter>>();
      MutexLock lock(&mutex_);
      ++uploads_;
      changed_.NotifyAll();
      return std::unique_ptr<storage::SliceWriter>(std::move(writer));
    });
    Config config;
    config.set_listen("127.0.0.1:0");
    config.set_max_streams(kMaxStreams);
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(WithDefaults(config), &store_));
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    transfers_ = api::TransferService::NewStub(channel_);
  }

  // Opens an upload and returns once the server works on it.
  void Open(RunningUpload* upload) {
    int before;
    {
      MutexLock lock(&mutex_);
      before = uploads_;
    }
    upload->call = transfers_->UploadSlices(&upload->context);
    api::UploadSlicesRequest first;
    first.set_directory("d");
    first.set_session("s");
    ASSERT_TRUE(upload->call->Write(first));
    MutexLock lock(&mutex_);
    while (uploads_ == before) changed_.Wait(&mutex_);
  }

  absl::Status CreateSession() {
    grpc::ClientContext context;
    api::CreateSaveSessionRequest request;
    request.mutable_save_session()->set_directory("d");
    api::SaveSession session;
    return FromGrpcStatus(
        api::CheckpointService::NewStub(channel_)->CreateSaveSession(&context, request, &session));
  }

  HealthCheckResponse::ServingStatus Health() {
    // As a stub does it: the health service is gRPC's own, without generated code here.
    const grpc::internal::RpcMethod check("/grpc.health.v1.Health/Check",
                                          grpc::internal::RpcMethod::NORMAL_RPC);
    grpc::ClientContext context;
    HealthCheckResponse response;
    grpc::Status status = grpc::internal::BlockingUnaryCall(
        channel_.get(), check, &context, grpc::health::v1::HealthCheckRequest(), &response);
    return status.ok() ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  Mutex mutex_;
  ConditionVariable changed_;
  int uploads_ CAIRN_GUARDED_BY(mutex_) = 0;
  NiceMock<MockStore> store_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<api::TransferService::Stub> transfers_;
};

TEST_F(ServerDrainTest, StreamsBeyondTheSlotsAreRefusedWithADelay) {
  RunningUpload running[kMaxStreams];
  for (RunningUpload& upload : running) Open(&upload);
  grpc::ClientContext context;
  absl::Status refused = FromGrpcStatus(transfers_->UploadSlices(&context)->Finish());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason(ErrorReason::ERROR_REASON_TOO_MANY_STREAMS));
  EXPECT_GT(DetailOf(refused).retry_delay().seconds(), 0);
  for (RunningUpload& upload : running) {
    upload.context.TryCancel();
    EXPECT_FALSE(upload.call->Finish().ok());
  }
}

TEST_F(ServerDrainTest, RunningStreamFinishesAndNothingNewBegins) {
  RunningUpload running;
  Open(&running);
  EXPECT_EQ(Health(), HealthCheckResponse::SERVING);
  ON_CALL(store_, CreateSession).WillByDefault(Return(storage::SessionInfo()));
  bool finished = false;
  std::thread drain([&] { finished = server_->Drain(absl::Minutes(5)); });
  // The refusal shows that draining has begun.
  absl::Status refused;
  while (refused.ok()) refused = CreateSession();
  EXPECT_THAT(refused, HasReason(ErrorReason::ERROR_REASON_SERVER_DRAINING));
  EXPECT_GT(DetailOf(refused).retry_delay().seconds(), 0);
  EXPECT_EQ(Health(), HealthCheckResponse::NOT_SERVING);
  ASSERT_TRUE(running.call->WritesDone());
  api::UploadSlicesResponse answer;
  EXPECT_TRUE(running.call->Read(&answer));
  EXPECT_TRUE(running.call->Finish().ok());
  drain.join();
  EXPECT_TRUE(finished);
}

TEST_F(ServerDrainTest, StreamThatDoesNotFinishIsCancelled) {
  RunningUpload running;
  Open(&running);
  EXPECT_FALSE(server_->Drain(absl::Milliseconds(1)));
  EXPECT_FALSE(running.call->Finish().ok());
}

TEST_F(ServerDrainTest, HealthFollowsWhatTheServerIsTold) {
  server_->SetServing(false);
  EXPECT_EQ(Health(), HealthCheckResponse::NOT_SERVING);
  server_->SetServing(true);
  EXPECT_EQ(Health(), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace cairn::server
