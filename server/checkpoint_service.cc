#include "server/checkpoint_service.h"

#include <google/protobuf/empty.pb.h>
#include <grpcpp/server_context.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/rpc/grpc_status.h"
#include "cairn/v1/checkpoint_service.grpc.pb.h"
#include "server/checkpoint_calls.h"
#include "server/copy_call.h"
#include "server/directory_calls.h"
#include "server/object_graph_calls.h"
#include "server/object_graphs.h"
#include "server/request_log.h"
#include "server/restore_calls.h"
#include "server/session_calls.h"
#include "server/slice_list_calls.h"
#include "server/tensor_calls.h"
#include "server/unary_call.h"
#include "server/usage_calls.h"

namespace cairn::server {
namespace {

using google::protobuf::Empty;
using grpc::Status;
using Context = grpc::ServerContext;

class CheckpointServiceImpl final : public v1::CheckpointService::Service {
 public:
  explicit CheckpointServiceImpl(const Services& services)
      : services_(services),
        graphs_(services.store),
        directories_(services),
        checkpoints_(services),
        usage_(services),
        tensors_(services, &graphs_),
        slices_(services),
        object_graphs_(services, &graphs_),
        sessions_(services),
        restores_(services, &graphs_) {}

  Status GetServerInfo(Context* context, const v1::GetServerInfoRequest* request,
                       v1::ServerInfo* response) override {
    return Run("GetServerInfo", context, directories_, &DirectoryCalls::GetServerInfo, *request,
               response);
  }
  Status GetDirectory(Context* context, const v1::GetDirectoryRequest* request,
                      v1::Directory* response) override {
    return Run("GetDirectory", context, directories_, &DirectoryCalls::Get, *request, response);
  }
  Status ListDirectories(Context* context, const v1::ListDirectoriesRequest* request,
                         v1::ListDirectoriesResponse* response) override {
    return Run("ListDirectories", context, directories_, &DirectoryCalls::List, *request, response);
  }
  Status CreateDirectory(Context* context, const v1::CreateDirectoryRequest* request,
                         v1::Directory* response) override {
    return Run("CreateDirectory", context, directories_, &DirectoryCalls::Create, *request,
               response);
  }
  Status UpdateDirectory(Context* context, const v1::UpdateDirectoryRequest* request,
                         v1::Directory* response) override {
    return Run("UpdateDirectory", context, directories_, &DirectoryCalls::Update, *request,
               response);
  }
  Status DeleteDirectory(Context* context, const v1::DeleteDirectoryRequest* request,
                         Empty* response) override {
    return Run("DeleteDirectory", context, directories_, &DirectoryCalls::Delete, *request,
               response);
  }
  Status GetCheckpoint(Context* context, const v1::GetCheckpointRequest* request,
                       v1::Checkpoint* response) override {
    return Run("GetCheckpoint", context, checkpoints_, &CheckpointCalls::Get, *request, response);
  }
  Status GetLatestCheckpoint(Context* context, const v1::GetLatestCheckpointRequest* request,
                             v1::Checkpoint* response) override {
    return Run("GetLatestCheckpoint", context, checkpoints_, &CheckpointCalls::GetLatest, *request,
               response);
  }
  Status ListCheckpoints(Context* context, const v1::ListCheckpointsRequest* request,
                         v1::ListCheckpointsResponse* response) override {
    return Run("ListCheckpoints", context, checkpoints_, &CheckpointCalls::List, *request,
               response);
  }
  Status DeleteCheckpoint(Context* context, const v1::DeleteCheckpointRequest* request,
                          v1::Checkpoint* response) override {
    return Run("DeleteCheckpoint", context, checkpoints_, &CheckpointCalls::Delete, *request,
               response);
  }
  Status GetUsage(Context* context, const v1::GetUsageRequest* request,
                  v1::Usage* response) override {
    return Run("GetUsage", context, usage_, &UsageCalls::Get, *request, response);
  }
  Status SaveCheckpoint(Context* context, const v1::SaveCheckpointRequest* request,
                        v1::Checkpoint* response) override {
    return Run("SaveCheckpoint", context, checkpoints_, &CheckpointCalls::Save, *request, response);
  }
  Status CopyCheckpoint(Context* context, grpc::ServerReader<v1::CopyCheckpointRequest>* requests,
                        v1::Checkpoint* response) override {
    CallRecord record("CopyCheckpoint");
    context->AddTrailingMetadata(kCallIdMetadata, record.call_id());
    absl::StatusOr<v1::Checkpoint> result = Copy(context, requests);
    record.Finish(result.status());
    if (result.ok()) *response = *std::move(result);
    return ToGrpcStatus(result.status());
  }
  Status GetTensor(Context* context, const v1::GetTensorRequest* request,
                   v1::Tensor* response) override {
    return Run("GetTensor", context, tensors_, &TensorCalls::Get, *request, response);
  }
  Status ListTensors(Context* context, const v1::ListTensorsRequest* request,
                     v1::ListTensorsResponse* response) override {
    return Run("ListTensors", context, tensors_, &TensorCalls::List, *request, response);
  }
  Status PreviewTensor(Context* context, const v1::PreviewTensorRequest* request,
                       v1::PreviewTensorResponse* response) override {
    return Run("PreviewTensor", context, tensors_, &TensorCalls::PreviewTensor, *request, response);
  }
  Status ListSlices(Context* context, const v1::ListSlicesRequest* request,
                    v1::ListSlicesResponse* response) override {
    return Run("ListSlices", context, slices_, &SliceListCalls::List, *request, response);
  }
  Status GetObjectGraph(Context* context, const v1::GetObjectGraphRequest* request,
                        v1::GetObjectGraphResponse* response) override {
    return Run("GetObjectGraph", context, object_graphs_, &ObjectGraphCalls::Get, *request,
               response);
  }
  Status CreateSaveSession(Context* context, const v1::CreateSaveSessionRequest* request,
                           v1::SaveSession* response) override {
    return Run("CreateSaveSession", context, sessions_, &SessionCalls::Create, *request, response);
  }
  Status GetSaveSession(Context* context, const v1::GetSaveSessionRequest* request,
                        v1::SaveSession* response) override {
    return Run("GetSaveSession", context, sessions_, &SessionCalls::Get, *request, response);
  }
  Status ListSaveSessions(Context* context, const v1::ListSaveSessionsRequest* request,
                          v1::ListSaveSessionsResponse* response) override {
    return Run("ListSaveSessions", context, sessions_, &SessionCalls::List, *request, response);
  }
  Status RenewSaveSession(Context* context, const v1::RenewSaveSessionRequest* request,
                          v1::SaveSession* response) override {
    return Run("RenewSaveSession", context, sessions_, &SessionCalls::Renew, *request, response);
  }
  Status SealSaveSession(Context* context, const v1::SealSaveSessionRequest* request,
                         v1::SaveSession* response) override {
    return Run("SealSaveSession", context, sessions_, &SessionCalls::Seal, *request, response);
  }
  Status CommitSaveSession(Context* context, const v1::CommitSaveSessionRequest* request,
                           v1::Checkpoint* response) override {
    return Run("CommitSaveSession", context, sessions_, &SessionCalls::Commit, *request, response);
  }
  Status AbortSaveSession(Context* context, const v1::AbortSaveSessionRequest* request,
                          v1::SaveSession* response) override {
    return Run("AbortSaveSession", context, sessions_, &SessionCalls::Abort, *request, response);
  }
  Status OpenRestore(Context* context, const v1::OpenRestoreRequest* request,
                     v1::OpenRestoreResponse* response) override {
    return Run("OpenRestore", context, restores_, &RestoreCalls::Open, *request, response);
  }
  Status RenewRestore(Context* context, const v1::RenewRestoreRequest* request,
                      v1::RenewRestoreResponse* response) override {
    return Run("RenewRestore", context, restores_, &RestoreCalls::Renew, *request, response);
  }
  Status CloseRestore(Context* context, const v1::CloseRestoreRequest* request,
                      Empty* response) override {
    return Run("CloseRestore", context, restores_, &RestoreCalls::Close, *request, response);
  }

 private:
  absl::StatusOr<v1::Checkpoint> Copy(Context* context,
                                      grpc::ServerReader<v1::CopyCheckpointRequest>* requests) {
    CopyCall call(services_, &graphs_);
    v1::CopyCheckpointRequest request;
    while (requests->Read(&request)) CAIRN_RETURN_IF_ERROR(call.Receive(request));
    // A broken connection ends the reading just as a half-close does.
    if (context->IsCancelled()) {
      return absl::CancelledError("the client cancelled the call or is gone");
    }
    return call.Finish();
  }

  const Services services_;
  ObjectGraphs graphs_;
  DirectoryCalls directories_;
  CheckpointCalls checkpoints_;
  UsageCalls usage_;
  TensorCalls tensors_;
  SliceListCalls slices_;
  ObjectGraphCalls object_graphs_;
  SessionCalls sessions_;
  RestoreCalls restores_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCheckpointService(const Services& services) {
  return std::make_unique<CheckpointServiceImpl>(services);
}

}  // namespace cairn::server
