// The calls about space, GetUsage and Collect, over a real channel on the engine in memory.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/box.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"
#include "base/uid.h"
#include "cairn/admin/v1/admin_service.grpc.pb.h"
#include "cairn/v1/checkpoint_service.grpc.pb.h"
#include "server/config.h"
#include "server/server.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::server {
namespace {

// cairn::server::v1 holds the configuration.
namespace api = ::cairn::v1;
namespace admin = ::cairn::admin::v1;

using Checkpoints = api::CheckpointService::Stub;

constexpr int64_t kTensorBytes = 100000;  // does not stand in its row
constexpr char kDirectory[] = "runs/a";

class SpaceCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, storage::Store::Open({.table = &table_, .segments = &segments_}));
    Config config;
    config.set_listen("127.0.0.1:0");
    config.set_collect_seconds(24 * 3600);  // after the first run only when it is told to
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(WithDefaults(config), store_.get()));
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    checkpoints_ = api::CheckpointService::NewStub(channel_);
    admin_ = admin::AdminService::NewStub(channel_);
    ASSERT_OK(Collect());  // the first run's search is over
  }

  // One unary call.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub* stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    grpc::ClientContext context;
    Response response;
    absl::Status status = FromGrpcStatus((stub->*method)(&context, request, &response));
    EXPECT_EQ(context.GetServerTrailingMetadata().count("cairn-call-id"), 1u);
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<admin::CollectResponse> Collect() {
    return Call(admin_.get(), &admin::AdminService::Stub::Collect, admin::CollectRequest());
  }

  absl::StatusOr<api::Usage> GetUsage(absl::string_view checkpoint) {
    api::GetUsageRequest request;
    request.set_directory(kDirectory);
    request.set_checkpoint(std::string(checkpoint));
    return Call(checkpoints_.get(), &Checkpoints::GetUsage, request);
  }

  // Straight into the store: a segment of one tensor.
  void Save(absl::string_view directory) {
    ASSERT_OK_AND_ASSIGN(const storage::SessionInfo info, store_->CreateSession(directory, {}));
    const std::string& session = info.record.session();
    ASSERT_OK_AND_ASSIGN(const auto writer, store_->NewSliceWriter(directory, session, "0"));
    storage::SliceSpec slice;
    slice.key = "w";
    slice.dtype = "uint8";
    slice.shape = {kTensorBytes};
    slice.box = WholeBox(slice.shape);
    const std::string bytes(kTensorBytes, 'x');
    const absl::string_view view = bytes;
    ASSERT_OK(writer->Append(slice, 0, {&view, 1}, std::nullopt));
    ASSERT_OK(writer->Finish());
    ASSERT_OK(store_->SealSession(directory, session, "0", 1));
    ASSERT_OK(store_->CommitSession(directory, session));
  }

  storage::MemoryTable table_;
  storage::MemorySegmentStore segments_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<admin::AdminService::Stub> admin_;
};

TEST_F(SpaceCallsTest, UsageIsOfACheckpointOrOfAllOfADirectory) {
  EXPECT_THAT(GetUsage(""), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
  Save(kDirectory);
  Save(kDirectory);
  ASSERT_OK_AND_ASSIGN(const api::Usage one, GetUsage("1"));
  EXPECT_EQ(one.logical_bytes(), kTensorBytes);
  EXPECT_GE(one.stored_bytes(), kTensorBytes);
  EXPECT_LT(one.stored_bytes(), kTensorBytes + 1000);
  EXPECT_EQ(one.shared_bytes(), 0);
  EXPECT_EQ(one.freed_by_delete_bytes(), one.stored_bytes());
  ASSERT_OK_AND_ASSIGN(const api::Usage all, GetUsage(""));
  EXPECT_EQ(all.logical_bytes(), 2 * kTensorBytes);
  EXPECT_EQ(all.stored_bytes(), 2 * one.stored_bytes());
  EXPECT_EQ(all.freed_by_delete_bytes(), all.stored_bytes());
  EXPECT_THAT(GetUsage("3"), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  EXPECT_OK(GetUsage("latest"));
}

TEST_F(SpaceCallsTest, CollectFreesWhatWasDeletedAndSaysSo) {
  Save(kDirectory);
  Save(kDirectory);
  ASSERT_OK_AND_ASSIGN(const api::Usage usage, GetUsage("1"));
  ASSERT_OK(store_->DeleteCheckpoint(kDirectory, "1", ""));
  ASSERT_OK_AND_ASSIGN(const admin::CollectResponse first, Collect());
  EXPECT_EQ(first.freed_bytes(), usage.freed_by_delete_bytes());
  EXPECT_EQ(first.manifests(), 1);
  EXPECT_EQ(first.segments(), 1);
  EXPECT_EQ(first.shrunk_segments(), 0);
  EXPECT_EQ(first.sessions(), 0);
  ASSERT_OK_AND_ASSIGN(const admin::CollectResponse second, Collect());
  EXPECT_EQ(second.freed_bytes(), 0);
  EXPECT_EQ(second.manifests(), 0);
}

TEST_F(SpaceCallsTest, CollectSearchesForOrphans) {
  // A segment of a save that no row knows.
  storage::v1::SegmentHeader header;
  header.set_directory_uid(std::string(Random::System()->NextUid().bytes()));
  header.set_manifest_uid(std::string(Random::System()->NextUid().bytes()));
  ASSERT_OK_AND_ASSIGN(const auto writer, segments_.NewWriter(Random::System()->NextUid(),
                                                              header.SerializeAsString()));
  ASSERT_OK(writer->Append(std::string(kTensorBytes, 'x')));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const admin::CollectResponse response, Collect());
  EXPECT_EQ(response.segments(), 1);
  EXPECT_GE(response.freed_bytes(), kTensorBytes);
}

}  // namespace
}  // namespace cairn::server
