// Messages whose last field is `bytes payload = 15`, sent and received without copying the payload
// through protobuf: the header fields are a message, the payload stays in slices.
#ifndef CAIRN_BASE_RPC_PAYLOAD_FRAME_H_
#define CAIRN_BASE_RPC_PAYLOAD_FRAME_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cairn {

// A slice of gRPC's that refers to `bytes` and keeps `owner` until gRPC is done with it.
grpc::Slice SliceOf(absl::string_view bytes, std::shared_ptr<const void> owner);

// The bytes of a slice, which must outlive the view.
inline absl::string_view ViewOf(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// `header` (its payload field unset) followed by field 15 holding `payload`; no field if that is
// empty.
grpc::ByteBuffer EncodeFrame(const google::protobuf::MessageLite& header,
                             const std::vector<grpc::Slice>& payload);

// Takes a message apart: everything before field 15 goes into `header`, the payload into `payload`
// as slices that share gRPC's memory. Errors: kInvalidArgument (not a message of the type, header
// over 1 MiB, or a field follows the payload).
absl::Status DecodeFrame(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* header,
                         std::vector<grpc::Slice>* payload);

}  // namespace cairn

#endif  // CAIRN_BASE_RPC_PAYLOAD_FRAME_H_
