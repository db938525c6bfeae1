// The server end to end: every call over a real channel, on the engine in memory.
#include "server/server.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/crc32c.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"
#include "cairn/v1/checkpoint_service.grpc.pb.h"
#include "cairn/v1/transfer_service.grpc.pb.h"
#include "formats/object_graph/object_graph.h"
#include "server/limits.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::server {
namespace {

// cairn::server::v1 holds the configuration.
namespace api = ::cairn::v1;

using ::testing::HasSubstr;
using Checkpoints = api::CheckpointService::Stub;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, storage::Store::Open({.table = &table_, .segments = &segments_}));
    Config config;
    config.set_listen("127.0.0.1:0");
    config.set_max_streams(2);
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(WithDefaults(config), store_.get()));
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    checkpoints_ = api::CheckpointService::NewStub(channel_);
    transfers_ = api::TransferService::NewStub(channel_);
  }

  // One unary call.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Checkpoints::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    Response response;
    absl::Status status =
        FromGrpcStatus((checkpoints_.get()->*method)(&context, request, &response));
    EXPECT_EQ(context.GetServerTrailingMetadata().count("cairn-call-id"), 1u);
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<api::Checkpoint> Save(const std::string& directory,
                                       std::optional<int64_t> number = std::nullopt) {
    api::SaveCheckpointRequest request;
    request.set_directory(directory);
    if (number.has_value()) request.set_checkpoint_number(*number);
    api::InlineTensor* tensor = request.add_tensors();
    tensor->set_key("model/w");
    for (double value : {1, 2, 3}) tensor->add_values(value);
    return Call(&Checkpoints::SaveCheckpoint, request);
  }

  absl::StatusOr<api::SaveSession> OpenSession(const std::string& directory) {
    api::CreateSaveSessionRequest request;
    request.mutable_save_session()->set_directory(directory);
    return Call(&Checkpoints::CreateSaveSession, request);
  }

  // A message of an upload that brings the bytes of part of tensor "w", uint8 of the given shape.
  static api::UploadSlicesRequest Bytes(int64_t shape, int64_t start, const std::string& bytes,
                                        int64_t length = -1) {
    api::UploadSlicesRequest message;
    api::SlicePart* part = message.add_parts();
    part->set_key("w");
    part->set_dtype("uint8");
    part->add_shape(shape);
    api::Extent* extent = part->mutable_slice()->add_extents();
    extent->set_start(start);
    extent->set_length(length < 0 ? static_cast<int64_t>(bytes.size()) : length);
    part->set_length(static_cast<int64_t>(bytes.size()));
    part->set_crc32c(Crc32c(bytes));
    message.set_payload(bytes);
    return message;
  }

  absl::StatusOr<api::UploadSlicesResponse> Upload(const api::SaveSession& session,
                                                   std::vector<api::UploadSlicesRequest> messages) {
    if (!messages.empty()) {
      messages[0].set_directory(session.directory());
      messages[0].set_session(session.session());
    }
    grpc::ClientContext context;
    auto call = transfers_->UploadSlices(&context);
    for (const api::UploadSlicesRequest& message : messages) {
      if (!call->Write(message)) break;
    }
    call->WritesDone();
    api::UploadSlicesResponse answer, last;
    while (call->Read(&answer)) last = answer;
    absl::Status status = FromGrpcStatus(call->Finish());
    if (!status.ok()) return status;
    return last;
  }

  absl::StatusOr<api::SaveSession> Seal(const api::SaveSession& session, int64_t slice_count) {
    api::SealSaveSessionRequest request;
    request.set_directory(session.directory());
    request.set_session(session.session());
    request.set_slice_count(slice_count);
    return Call(&Checkpoints::SealSaveSession, request);
  }

  template <typename Request>
  static Request Named(const api::SaveSession& session) {
    Request request;
    request.set_directory(session.directory());
    request.set_session(session.session());
    return request;
  }

  absl::StatusOr<api::Checkpoint> Commit(const api::SaveSession& session) {
    return Call(&Checkpoints::CommitSaveSession, Named<api::CommitSaveSessionRequest>(session));
  }

  // Everything that one token brings.
  absl::StatusOr<std::vector<api::DownloadSlicesResponse>> Download(const std::string& token) {
    grpc::ClientContext context;
    api::DownloadSlicesRequest request;
    request.set_token(token);
    auto call = transfers_->DownloadSlices(&context, request);
    std::vector<api::DownloadSlicesResponse> messages;
    for (api::DownloadSlicesResponse message; call->Read(&message);) messages.push_back(message);
    absl::Status status = FromGrpcStatus(call->Finish());
    if (!status.ok()) return status;
    return messages;
  }

  storage::MemoryTable table_;
  storage::MemorySegmentStore segments_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<api::TransferService::Stub> transfers_;
};

TEST_F(ServerTest, InfoPublishesTheLimits) {
  ASSERT_OK_AND_ASSIGN(api::ServerInfo info,
                       Call(&Checkpoints::GetServerInfo, api::GetServerInfoRequest()));
  EXPECT_EQ(info.version(), kVersion);
  EXPECT_EQ(info.incarnation(), store_->incarnation());
  EXPECT_THAT(info.features(),
              ::testing::UnorderedElementsAre("object_path", "preserved", "commit_when_sealed",
                                              "incremental"));
  EXPECT_EQ(info.max_payload_bytes(), 1 << 20);
  EXPECT_EQ(info.max_streams(), 2);
}

TEST_F(ServerTest, DirectoriesAreMadeListedChangedAndDeleted) {
  ASSERT_OK_AND_ASSIGN(api::ListDirectoriesResponse none,
                       Call(&Checkpoints::ListDirectories, api::ListDirectoriesRequest()));
  EXPECT_TRUE(none.directories().empty());

  api::CreateDirectoryRequest create;
  create.set_directory("a");
  (*create.mutable_annotations())["owner"] = "me";
  ASSERT_OK_AND_ASSIGN(api::Directory made, Call(&Checkpoints::CreateDirectory, create));
  EXPECT_THAT(Call(&Checkpoints::CreateDirectory, create),
              HasReason(ErrorReason::ERROR_REASON_DIRECTORY_EXISTS));
  create.set_directory("b");
  ASSERT_OK(Call(&Checkpoints::CreateDirectory, create));

  api::ListDirectoriesRequest list;
  list.set_page_size(1);
  std::vector<std::string> paths;
  do {
    ASSERT_OK_AND_ASSIGN(api::ListDirectoriesResponse page,
                         Call(&Checkpoints::ListDirectories, list));
    for (const api::Directory& directory : page.directories())
      paths.push_back(directory.directory());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(paths, std::vector<std::string>({"a", "b"}));

  api::UpdateDirectoryRequest update;
  update.set_directory("a");
  update.set_clear_annotations(true);
  update.set_etag(made.etag());
  ASSERT_OK_AND_ASSIGN(api::Directory changed, Call(&Checkpoints::UpdateDirectory, update));
  EXPECT_TRUE(changed.annotations().empty());
  EXPECT_NE(changed.etag(), made.etag());
  EXPECT_THAT(Call(&Checkpoints::UpdateDirectory, update),
              HasReason(ErrorReason::ERROR_REASON_ETAG_MISMATCH));

  api::DeleteDirectoryRequest remove;
  remove.set_directory("a");
  ASSERT_OK(Call(&Checkpoints::DeleteDirectory, remove));
  api::GetDirectoryRequest get;
  get.set_directory("a");
  absl::Status gone = Call(&Checkpoints::GetDirectory, get).status();
  EXPECT_THAT(gone, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(DetailOf(gone).metadata().at("directory"), "a");
}

TEST_F(ServerTest, BadDirectoryNamesAreRefused) {
  for (const std::string& directory :
       {std::string(), std::string(".."), std::string("a/../b"), std::string("/a"),
        std::string("a//b"), std::string("a@1"), std::string(1025, 'x'), std::string("a\nb")}) {
    EXPECT_THAT(Save(directory), StatusIs(absl::StatusCode::kInvalidArgument)) << directory;
    api::GetDirectoryRequest get;
    get.set_directory(directory);
    EXPECT_THAT(Call(&Checkpoints::GetDirectory, get), StatusIs(absl::StatusCode::kInvalidArgument))
        << directory;
  }
}

TEST_F(ServerTest, CheckpointsAreSavedFoundListedAndDeleted) {
  ASSERT_OK_AND_ASSIGN(api::Checkpoint first, Save("runs/mnist"));
  EXPECT_EQ(first.reference(), "runs/mnist@1");
  ASSERT_OK(Save("runs/mnist", 10));
  ASSERT_OK(Save("runs/mnist", 5));
  EXPECT_THAT(Save("runs/mnist", 5), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));

  api::GetLatestCheckpointRequest latest;
  latest.set_directory("runs/mnist");
  ASSERT_OK_AND_ASSIGN(api::Checkpoint last, Call(&Checkpoints::GetLatestCheckpoint, latest));
  EXPECT_EQ(last.number(), 5);
  api::GetCheckpointRequest get;
  get.set_directory("runs/mnist");
  get.set_checkpoint("uid:" + first.uid());
  ASSERT_OK_AND_ASSIGN(api::Checkpoint found, Call(&Checkpoints::GetCheckpoint, get));
  EXPECT_EQ(found.number(), 1);

  api::ListCheckpointsRequest list;
  list.set_directory("runs/mnist");
  const std::vector<std::pair<std::string, std::vector<int64_t>>> orders = {
      {"", {1, 10, 5}},
      {"commit desc", {5, 10, 1}},
      {"number", {1, 5, 10}},
      {"number desc", {10, 5, 1}}};
  for (const auto& [order_by, numbers] : orders) {
    list.set_order_by(order_by);
    ASSERT_OK_AND_ASSIGN(api::ListCheckpointsResponse page,
                         Call(&Checkpoints::ListCheckpoints, list));
    std::vector<int64_t> listed;
    for (const api::Checkpoint& checkpoint : page.checkpoints())
      listed.push_back(checkpoint.number());
    EXPECT_EQ(listed, numbers) << order_by;
  }
  list.set_order_by("size");
  EXPECT_THAT(Call(&Checkpoints::ListCheckpoints, list),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));

  api::DeleteCheckpointRequest remove;
  remove.set_directory("runs/mnist");
  for (const char* reference : {"", "latest", "prod"}) {
    remove.set_checkpoint(reference);
    EXPECT_THAT(Call(&Checkpoints::DeleteCheckpoint, remove),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  remove.set_checkpoint("5");
  ASSERT_OK(Call(&Checkpoints::DeleteCheckpoint, remove));
  EXPECT_THAT(Call(&Checkpoints::DeleteCheckpoint, remove),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  ASSERT_OK_AND_ASSIGN(api::Checkpoint before, Call(&Checkpoints::GetLatestCheckpoint, latest));
  EXPECT_EQ(before.number(), 10);
}

TEST_F(ServerTest, RepeatedRequestIdSavesOnce) {
  api::SaveCheckpointRequest request;
  request.set_directory("d");
  request.set_request_id("my request");
  request.add_tensors()->set_key("empty");
  ASSERT_OK_AND_ASSIGN(api::Checkpoint first, Call(&Checkpoints::SaveCheckpoint, request));
  ASSERT_OK_AND_ASSIGN(api::Checkpoint again, Call(&Checkpoints::SaveCheckpoint, request));
  EXPECT_EQ(first.uid(), again.uid());
}

TEST_F(ServerTest, TensorsAreListedShownAndPreviewed) {
  ASSERT_OK_AND_ASSIGN(api::Checkpoint saved, Save("d"));
  api::GetTensorRequest get;
  get.set_directory("d");
  get.set_key("model/w");
  ASSERT_OK_AND_ASSIGN(api::Tensor tensor, Call(&Checkpoints::GetTensor, get));
  EXPECT_EQ(tensor.dtype(), "float32");
  ASSERT_EQ(tensor.slices_size(), 1);
  EXPECT_EQ(tensor.slices(0).slice().extents(0).length(), 3);
  get.set_key("model/x");
  absl::Status missing = Call(&Checkpoints::GetTensor, get).status();
  EXPECT_THAT(missing, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_THAT(DetailOf(missing).metadata().at("neighbors"), HasSubstr("model/w"));

  api::ListTensorsRequest list;
  list.set_directory("d");
  list.set_key_prefix("model");
  ASSERT_OK_AND_ASSIGN(api::ListTensorsResponse page, Call(&Checkpoints::ListTensors, list));
  ASSERT_EQ(page.tensors_size(), 1);
  EXPECT_EQ(page.uid(), saved.uid());
  EXPECT_EQ(page.tensors(0).slices_size(), 0);
  list.set_page_token("forged");
  EXPECT_THAT(Call(&Checkpoints::ListTensors, list),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));

  api::PreviewTensorRequest preview;
  preview.set_directory("d");
  preview.set_key("model/w");
  preview.set_max_values(1);
  preview.mutable_slice()->add_extents()->set_start(1);
  ASSERT_OK_AND_ASSIGN(api::PreviewTensorResponse values,
                       Call(&Checkpoints::PreviewTensor, preview));
  ASSERT_EQ(values.values_size(), 1);
  EXPECT_EQ(values.values(0), 2);
  EXPECT_EQ(values.texts(0), "2");
  EXPECT_EQ(values.element_count(), 2);
  preview.mutable_slice()->mutable_extents(0)->set_length(3);
  EXPECT_THAT(Call(&Checkpoints::PreviewTensor, preview),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServerTest, PagesKeepToOneCheckpoint) {
  api::SaveCheckpointRequest save;
  save.set_directory("d");
  for (const char* key : {"a", "b"}) save.add_tensors()->set_key(key);
  ASSERT_OK_AND_ASSIGN(api::Checkpoint first, Call(&Checkpoints::SaveCheckpoint, save));
  api::ListTensorsRequest list;
  list.set_directory("d");
  list.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(api::ListTensorsResponse page, Call(&Checkpoints::ListTensors, list));
  ASSERT_OK(Save("d"));
  list.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, Call(&Checkpoints::ListTensors, list));
  EXPECT_EQ(page.uid(), first.uid());
  ASSERT_EQ(page.tensors_size(), 1);
  EXPECT_EQ(page.tensors(0).key(), "b");
}

TEST_F(ServerTest, ObjectGraphIsReadInPages) {
  formats::TrackableObjectGraph graph;
  auto* child = graph.add_nodes()->add_children();
  child->set_node_id(1);
  child->set_local_name("kernel");
  auto* attribute = graph.add_nodes()->add_attributes();
  attribute->set_name("VARIABLE_VALUE");
  attribute->set_checkpoint_key("kernel/.ATTRIBUTES/VARIABLE_VALUE");

  std::string bytes = graph.SerializeAsString();
  std::string data(8, '\0');
  data[0] = static_cast<char>(bytes.size());
  api::SaveCheckpointRequest save;
  save.set_directory("d");
  api::InlineTensor* tensor = save.add_tensors();
  tensor->set_key(kObjectGraphKey);
  tensor->set_dtype("string");
  tensor->set_scalar(true);
  tensor->set_data(data + bytes);
  ASSERT_OK(Call(&Checkpoints::SaveCheckpoint, save));

  api::GetObjectGraphRequest get;
  get.set_directory("d");
  get.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(api::GetObjectGraphResponse first, Call(&Checkpoints::GetObjectGraph, get));
  EXPECT_EQ(first.node_count(), 2);
  ASSERT_EQ(first.nodes_size(), 1);
  EXPECT_EQ(first.nodes(0).children(0).name(), "kernel");
  get.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(api::GetObjectGraphResponse second, Call(&Checkpoints::GetObjectGraph, get));
  ASSERT_EQ(second.nodes_size(), 1);
  EXPECT_EQ(second.nodes(0).node(), 1);
  EXPECT_EQ(second.nodes(0).tensors(0).key(), "kernel/.ATTRIBUTES/VARIABLE_VALUE");
  EXPECT_EQ(second.next_page_token(), "");

  // What lies below an object of it is listed, were it there: this checkpoint has the graph alone.
  api::ListTensorsRequest list;
  list.set_directory("d");
  list.set_object_path("kernel");
  EXPECT_THAT(Call(&Checkpoints::ListTensors, list),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("lacks all of its keys")));

  ASSERT_OK(Save("plain"));
  get.Clear();
  get.set_directory("plain");
  EXPECT_THAT(Call(&Checkpoints::GetObjectGraph, get),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no object graph")));
}

TEST_F(ServerTest, SlicesGoUpAndComeDownUnchanged) {
  ASSERT_OK_AND_ASSIGN(api::SaveSession session, OpenSession("d"));
  std::string bytes;
  for (int i = 0; i < 3 << 20; ++i) bytes.push_back(static_cast<char>(i * 31 + (i >> 8)));
  const int64_t shape = static_cast<int64_t>(bytes.size());
  std::vector<api::UploadSlicesRequest> messages;
  for (int64_t begin = 0; begin < shape; begin += 1 << 20) {
    messages.push_back(Bytes(shape, 0, bytes.substr(begin, 1 << 20), shape));
    messages.back().mutable_parts(0)->set_offset(begin);
  }
  ASSERT_OK_AND_ASSIGN(api::UploadSlicesResponse uploaded, Upload(session, messages));
  EXPECT_EQ(uploaded.durable_parts(), 1);
  EXPECT_EQ(uploaded.durable_bytes(), shape);
  ASSERT_OK(Seal(session, 1));
  ASSERT_OK(Commit(session));

  api::OpenRestoreRequest open;
  open.set_directory("d");
  ASSERT_OK_AND_ASSIGN(api::OpenRestoreResponse restore, Call(&Checkpoints::OpenRestore, open));
  EXPECT_EQ(restore.total_bytes(), shape);
  ASSERT_EQ(restore.stream_tokens_size(), 1);
  ASSERT_OK_AND_ASSIGN(std::vector<api::DownloadSlicesResponse> downloaded,
                       Download(restore.stream_tokens(0)));
  std::string back;
  for (const api::DownloadSlicesResponse& message : downloaded) {
    EXPECT_EQ(message.parts(0).offset(), static_cast<int64_t>(back.size()));
    EXPECT_EQ(message.parts(0).crc32c(), Crc32c(message.payload()));
    EXPECT_EQ(message.next_token().empty(), &message == &downloaded.back());
    back += message.payload();
  }
  EXPECT_TRUE(back == bytes);

  // Going on from the first message's token brings the rest.
  ASSERT_OK_AND_ASSIGN(std::vector<api::DownloadSlicesResponse> rest,
                       Download(downloaded[0].next_token()));
  EXPECT_EQ(rest.size(), downloaded.size() - 1);

  api::RenewRestoreRequest renew;
  renew.set_restore(restore.restore());
  ASSERT_OK(Call(&Checkpoints::RenewRestore, renew));
  api::CloseRestoreRequest close;
  close.set_restore(restore.restore());
  ASSERT_OK(Call(&Checkpoints::CloseRestore, close));
  EXPECT_THAT(Call(&Checkpoints::RenewRestore, renew),
              HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
  EXPECT_THAT(Download("no token"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServerTest, ACheckpointIsCopiedByAStreamOfRenames) {
  ASSERT_OK(Save("d"));
  const auto copy = [&](const std::vector<api::CopyCheckpointRequest>& messages) {
    grpc::ClientContext context;
    api::Checkpoint made;
    auto call = checkpoints_->CopyCheckpoint(&context, &made);
    for (const api::CopyCheckpointRequest& message : messages) {
      if (!call->Write(message)) break;
    }
    call->WritesDone();
    const absl::Status status = FromGrpcStatus(call->Finish());
    EXPECT_EQ(context.GetServerTrailingMetadata().count("cairn-call-id"), 1u);
    return status.ok() ? absl::StatusOr<api::Checkpoint>(made) : status;
  };
  api::CopyCheckpointRequest header, rename;
  header.set_directory("d");
  header.set_target_directory("e");
  rename.add_renames()->set_from("model/w");
  rename.mutable_renames(0)->set_to("v");
  ASSERT_OK_AND_ASSIGN(const api::Checkpoint made, copy({header, rename}));
  EXPECT_EQ(made.reference(), "e@1");
  api::GetTensorRequest get;
  get.set_directory("e");
  get.set_key("v");
  EXPECT_EQ(Call(&Checkpoints::GetTensor, get)->logical_bytes(), 12);
  EXPECT_THAT(copy({rename}), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(ServerTest, SessionsAreShownRenewedAndAborted) {
  ASSERT_OK_AND_ASSIGN(api::SaveSession session, OpenSession("d"));
  EXPECT_EQ(session.checkpoint_number(), 1);
  ASSERT_OK_AND_ASSIGN(api::SaveSession shown, Call(&Checkpoints::GetSaveSession,
                                                    Named<api::GetSaveSessionRequest>(session)));
  EXPECT_EQ(shown.uid(), session.uid());
  ASSERT_OK(Call(&Checkpoints::RenewSaveSession, Named<api::RenewSaveSessionRequest>(session)));
  api::ListSaveSessionsRequest list;
  list.set_directory("d");
  ASSERT_OK_AND_ASSIGN(api::ListSaveSessionsResponse page,
                       Call(&Checkpoints::ListSaveSessions, list));
  EXPECT_EQ(page.save_sessions_size(), 1);
  auto abort = Named<api::AbortSaveSessionRequest>(session);
  abort.set_reason(std::string(1025, 'x'));
  EXPECT_THAT(Call(&Checkpoints::AbortSaveSession, abort),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  abort.set_reason("no longer needed");
  ASSERT_OK_AND_ASSIGN(api::SaveSession aborted, Call(&Checkpoints::AbortSaveSession, abort));
  EXPECT_EQ(aborted.state(), api::SaveSession::STATE_ABORTED);
  EXPECT_EQ(aborted.abort_reason(), "no longer needed");
  EXPECT_THAT(Commit(session), HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
}

TEST_F(ServerTest, HolesAndOverlapsAreRefusedAtCommit) {
  ASSERT_OK_AND_ASSIGN(api::SaveSession holed, OpenSession("d"));
  ASSERT_OK(Upload(holed, {Bytes(4, 0, "ab")}));
  EXPECT_THAT(Commit(holed), HasReason(ErrorReason::ERROR_REASON_WRITERS_NOT_SEALED));
  ASSERT_OK(Seal(holed, 1));
  absl::Status missing = Commit(holed).status();
  EXPECT_THAT(missing, HasReason(ErrorReason::ERROR_REASON_SLICES_MISSING));
  EXPECT_EQ(DetailOf(missing).metadata().at("key"), "w");

  ASSERT_OK_AND_ASSIGN(api::SaveSession doubled, OpenSession("d"));
  ASSERT_OK(Upload(doubled, {Bytes(4, 0, "abc"), Bytes(4, 2, "cd")}));
  ASSERT_OK(Seal(doubled, 2));
  EXPECT_THAT(Commit(doubled), HasReason(ErrorReason::ERROR_REASON_SLICES_OVERLAP));
}

TEST_F(ServerTest, BadUploadsAreRefused) {
  ASSERT_OK_AND_ASSIGN(api::SaveSession session, OpenSession("d"));
  api::UploadSlicesRequest wrong_sum = Bytes(2, 0, "ab");
  wrong_sum.mutable_parts(0)->set_crc32c(1);
  EXPECT_THAT(Upload(session, {wrong_sum}), HasReason(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH));

  api::UploadSlicesRequest overflow = Bytes(INT64_MAX, 0, "ab");
  overflow.mutable_parts(0)->add_shape(INT64_MAX);
  EXPECT_THAT(Upload(session, {overflow}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Upload(session, {Bytes(2, 1, "ab")}), StatusIs(absl::StatusCode::kInvalidArgument));

  const std::string large((1 << 20) + 1, 'x');
  EXPECT_THAT(Upload(session, {Bytes(1 << 21, 0, large, 1 << 21)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("payload")));
  const std::string huge((2 << 20) + 1, 'x');
  EXPECT_THAT(Upload(session, {Bytes(1 << 22, 0, huge, 1 << 22)}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("cut it into several")));

  session.set_session("none");
  EXPECT_THAT(Upload(session, {Bytes(2, 0, "ab")}),
              HasReason(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND));
  EXPECT_THAT(Upload(session, {}), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST_F(ServerTest, PortInUseIsAnErrorThatNamesIt) {
  Config config;
  config.set_listen(server_->address());
  EXPECT_THAT(Server::Start(WithDefaults(config), store_.get()),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("port ", server_->port(), " is in use"))));
}

}  // namespace
}  // namespace cairn::server
