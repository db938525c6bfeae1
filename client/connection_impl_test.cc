#include "client/connection_impl.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

// Fails as often as it is told, then answers.
class FakeCheckpointService : public v1::CheckpointService::Service {
 public:
  grpc::Status DeleteCheckpoint(grpc::ServerContext*, const v1::DeleteCheckpointRequest* request,
                                v1::Checkpoint* response) override {
    request_ids.push_back(request->request_id());
    if (--failures >= 0) return ToGrpcStatus(failure);
    response->set_directory(request->directory());
    return grpc::Status::OK;
  }
  grpc::Status CreateSaveSession(grpc::ServerContext*, const v1::CreateSaveSessionRequest* request,
                                 v1::SaveSession* response) override {
    *response = request->save_session();
    return grpc::Status::OK;
  }

  // Read by the test after the call has ended.
  std::vector<std::string> request_ids;
  int failures = 0;
  absl::Status failure;
};

class ConnectionImplTest : public ::testing::Test {
 protected:
  ConnectionImplTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    connection_ = std::make_unique<ConnectionImpl>(address_, RetryPolicy(), &clock_, &random_);
  }
  absl::StatusOr<v1::Checkpoint> Delete() {
    v1::DeleteCheckpointRequest request;
    request.set_directory("runs/a");
    return connection_->DeleteCheckpoint(request);
  }

  FakeCheckpointService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<ConnectionImpl> connection_;
};

TEST_F(ConnectionImplTest, TransientFailuresAreRepeatedUnderOneRequestId) {
  service_.failures = 3;
  service_.failure = MakeError(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN,
                               absl::StatusCode::kAborted, "answer lost");
  ASSERT_OK_AND_ASSIGN(const v1::Checkpoint deleted, Delete());
  EXPECT_EQ(deleted.directory(), "runs/a");
  ASSERT_EQ(service_.request_ids.size(), 4);
  EXPECT_FALSE(service_.request_ids[0].empty());
  for (const std::string& id : service_.request_ids) EXPECT_EQ(id, service_.request_ids[0]);
}

TEST_F(ConnectionImplTest, EveryCallHasItsOwnRequestId) {
  ASSERT_OK(Delete());
  ASSERT_OK(Delete());
  EXPECT_NE(service_.request_ids[0], service_.request_ids[1]);
}

TEST_F(ConnectionImplTest, OtherFailuresComeAtOnceAndAsTheyWere) {
  service_.failures = 1;
  service_.failure = MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND,
                               absl::StatusCode::kNotFound, "no such checkpoint");
  EXPECT_EQ(Delete().status(), service_.failure);
  EXPECT_EQ(service_.request_ids.size(), 1);
}

TEST_F(ConnectionImplTest, ASessionGetsAnIdBeforeTheFirstAttempt) {
  ASSERT_OK_AND_ASSIGN(const v1::SaveSession session, connection_->CreateSaveSession({}));
  EXPECT_EQ(session.session().size(), 32);
  v1::CreateSaveSessionRequest named;
  named.mutable_save_session()->set_session("mine");
  ASSERT_OK_AND_ASSIGN(const v1::SaveSession mine, connection_->CreateSaveSession(named));
  EXPECT_EQ(mine.session(), "mine");
}

TEST_F(ConnectionImplTest, AServerThatIsGoneIsNamedAfterTheAttempts) {
  server_->Shutdown();
  const absl::Time before = clock_.Now();
  const auto result = connection_->GetServerInfo({});
  EXPECT_THAT(result, HasReason(ErrorReason::ERROR_REASON_CONNECTION_LOST));
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address_)));
  EXPECT_GT(clock_.Now() - before, absl::Seconds(1));
}

TEST_F(ConnectionImplTest, AServerThatComesBackIsFoundAtOnce) {
  server_->Shutdown();
  server_.reset();
  ASSERT_FALSE(Delete().ok());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr) << "somebody took the port meanwhile";
  EXPECT_OK(Delete());
}

TEST_F(ConnectionImplTest, ACallThatTheServerDoesNotHaveIsUnimplemented) {
  EXPECT_THAT(connection_->GetServerInfo({}), StatusIs(absl::StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace cairn
