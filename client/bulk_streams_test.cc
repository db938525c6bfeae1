// Against a server that parses the messages with protobuf, as any other client's server would.

#include "client/bulk_streams.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"
#include "cairn/v1/transfer_service.grpc.pb.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FakeTransferService : public v1::TransferService::Service {
 public:
  grpc::Status UploadSlices(grpc::ServerContext*,
                            grpc::ServerReaderWriter<v1::UploadSlicesResponse,
                                                     v1::UploadSlicesRequest>* stream) override {
    v1::UploadSlicesRequest request;
    v1::UploadSlicesResponse response;
    while (stream->Read(&request)) {
      payloads.push_back(request.payload());
      sessions.push_back(request.session());
      response.set_durable_parts(response.durable_parts() + request.parts_size());
      if (answers_each) stream->Write(response);
      if (request.payload() == "refuse") return ToGrpcStatus(refusal);
    }
    response.set_stored_bytes(42);
    stream->Write(response);
    return grpc::Status::OK;
  }
  grpc::Status DownloadSlices(grpc::ServerContext*, const v1::DownloadSlicesRequest* request,
                              grpc::ServerWriter<v1::DownloadSlicesResponse>* writer) override {
    for (const std::string& payload : to_send) {
      v1::DownloadSlicesResponse response;
      response.set_payload(payload);
      response.set_next_token(request->token() + "+");
      writer->Write(response);
    }
    return ToGrpcStatus(refusal);
  }

  // Read by the test after the call has ended.
  std::vector<std::string> payloads;
  std::vector<std::string> sessions;
  bool answers_each = false;
  std::vector<std::string> to_send;
  absl::Status refusal;
};

class BulkStreamsTest : public ::testing::Test {
 protected:
  BulkStreamsTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  }

  FakeTransferService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(BulkStreamsTest, AnUploadArrivesAsOrdinaryMessages) {
  const auto stream = StartUpload(channel_, address_);
  v1::UploadSlicesRequest header;
  header.set_session("s");
  header.add_parts()->set_key("w");
  ASSERT_OK(stream->Write(header, {"ab", "", "cd"}, nullptr));
  header.clear_session();
  const auto owner = std::make_shared<std::string>("efgh");
  ASSERT_OK(stream->Write(header, {*owner}, owner));
  ASSERT_OK(stream->Write(header, {}, nullptr));
  ASSERT_OK_AND_ASSIGN(const v1::UploadSlicesResponse answer, stream->Finish());
  EXPECT_EQ(answer.stored_bytes(), 42);
  EXPECT_EQ(stream->durable_parts(), 3);
  EXPECT_THAT(service_.payloads, ElementsAre("abcd", "efgh", ""));
  EXPECT_THAT(service_.sessions, ElementsAre("s", "", ""));
}

TEST_F(BulkStreamsTest, BytesWithoutAnOwnerMayChangeAfterTheWrite) {
  const auto stream = StartUpload(channel_, address_);
  std::string bytes = "first";
  ASSERT_OK(stream->Write({}, {bytes}, nullptr));
  bytes = "other";
  ASSERT_OK(stream->Finish());
  EXPECT_THAT(service_.payloads, ElementsAre("first"));
}

TEST_F(BulkStreamsTest, ManyAnswersAreTakenWhileWriting) {
  service_.answers_each = true;
  const auto stream = StartUpload(channel_, address_);
  v1::UploadSlicesRequest header;
  header.add_parts();
  const std::string bytes(100000, 'x');
  for (int i = 0; i < 200; ++i) ASSERT_OK(stream->Write(header, {bytes}, nullptr));
  ASSERT_OK(stream->Finish());
  EXPECT_EQ(stream->durable_parts(), 200);
}

TEST_F(BulkStreamsTest, ARefusalKeepsWhatTheServerSaid) {
  service_.answers_each = true;
  service_.refusal = MakeError(ErrorReason::ERROR_REASON_STORAGE_FULL,
                               absl::StatusCode::kResourceExhausted, "disk full");
  const auto stream = StartUpload(channel_, address_);
  v1::UploadSlicesRequest header;
  header.add_parts();
  ASSERT_OK(stream->Write(header, {"refuse"}, nullptr));
  EXPECT_EQ(stream->Finish().status(), service_.refusal);
  EXPECT_EQ(stream->durable_parts(), 1);
  EXPECT_EQ(stream->Write(header, {"more"}, nullptr), service_.refusal);
}

TEST_F(BulkStreamsTest, AnUploadThatIsDroppedOrCancelledEnds) {
  {
    const auto dropped = StartUpload(channel_, address_);
  }
  const auto cancelled = StartUpload(channel_, address_);
  cancelled->Cancel();
  EXPECT_THAT(cancelled->Finish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(BulkStreamsTest, ADownloadGivesHeadersAndPayloads) {
  service_.to_send = {"abc", std::string(1 << 20, 'x'), ""};
  v1::DownloadSlicesRequest request;
  request.set_token("t");
  const auto stream = StartDownload(channel_, address_, request);
  v1::DownloadSlicesResponse header;
  std::vector<absl::string_view> payload;
  for (const std::string& expected : service_.to_send) {
    ASSERT_THAT(stream->Read(&header, &payload), IsOkAndHolds(true));
    EXPECT_EQ(header.next_token(), "t+");
    EXPECT_TRUE(header.payload().empty());
    std::string bytes;
    for (absl::string_view range : payload) bytes.append(range.data(), range.size());
    EXPECT_EQ(bytes, expected);
  }
  EXPECT_THAT(stream->Read(&header, &payload), IsOkAndHolds(false));
  EXPECT_THAT(stream->Read(&header, &payload), IsOkAndHolds(false));
}

TEST_F(BulkStreamsTest, ADownloadEndsWithTheServersError) {
  service_.to_send = {"abc"};
  service_.refusal = MakeError(ErrorReason::ERROR_REASON_RESTORE_LOST,
                               absl::StatusCode::kFailedPrecondition, "open it again");
  const auto stream = StartDownload(channel_, address_, {});
  v1::DownloadSlicesResponse header;
  std::vector<absl::string_view> payload;
  ASSERT_THAT(stream->Read(&header, &payload), IsOkAndHolds(true));
  EXPECT_EQ(stream->Read(&header, &payload).status(), service_.refusal);
}

TEST_F(BulkStreamsTest, ADownloadMayBeDroppedEarly) {
  service_.to_send = std::vector<std::string>(100, std::string(1 << 20, 'x'));
  const auto stream = StartDownload(channel_, address_, {});
  v1::DownloadSlicesResponse header;
  std::vector<absl::string_view> payload;
  EXPECT_THAT(stream->Read(&header, &payload), IsOkAndHolds(true));
}

TEST_F(BulkStreamsTest, AServerThatIsGoneIsNamed) {
  server_->Shutdown();
  const auto stream = StartUpload(channel_, address_);
  const auto result = stream->Finish();
  EXPECT_THAT(result, HasReason(ErrorReason::ERROR_REASON_CONNECTION_LOST));
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address_)));
}

}  // namespace
}  // namespace cairn
