// The calls of CheckpointService about the tensors of a checkpoint, as functions of their requests;
// checkpoint_service.proto documents them.
#ifndef CAIRN_SERVER_TENSOR_CALLS_H_
#define CAIRN_SERVER_TENSOR_CALLS_H_

#include "absl/status/statusor.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "server/object_graphs.h"
#include "server/services.h"

namespace cairn::server {

// Thread-safe.
class TensorCalls {
 public:
  // `graphs` is not owned and outlives this.
  TensorCalls(const Services& services, ObjectGraphs* graphs)
      : services_(services), graphs_(graphs) {}

  absl::StatusOr<v1::Tensor> Get(const v1::GetTensorRequest& request);
  absl::StatusOr<v1::ListTensorsResponse> List(const v1::ListTensorsRequest& request);
  absl::StatusOr<v1::PreviewTensorResponse> PreviewTensor(const v1::PreviewTensorRequest& request);

 private:
  const Services services_;
  ObjectGraphs* const graphs_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_TENSOR_CALLS_H_
