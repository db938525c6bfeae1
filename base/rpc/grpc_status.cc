#include "base/rpc/grpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "cairn/internal/v1/rpc_status.pb.h"

namespace cairn {
namespace {

// A status travels in HTTP/2 trailers, and a gRPC client drops a call whose trailers pass 8 KiB:
// the text goes twice (once escaped, at worst three bytes for one), the details in base64.
constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxDetailBytes = 2048;

// The codes of both libraries are those of the gRPC specification; these three pin the numbering.
static_assert(static_cast<int>(absl::StatusCode::kCancelled) == grpc::StatusCode::CANCELLED);
static_assert(static_cast<int>(absl::StatusCode::kAborted) == grpc::StatusCode::ABORTED);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              grpc::StatusCode::UNAUTHENTICATED);

// `text`, or so much of it as fits `max_bytes` without cutting a character, and an ellipsis.
std::string Shortened(absl::string_view text, size_t max_bytes) {
  constexpr absl::string_view kEllipsis = "...";
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), kEllipsis);
}

// The detail's bytes within kMaxDetailBytes: long values are shortened, and at worst all of them
// go, for the reason and the retry delay are what a program acts upon.
std::string BoundedDetail(const absl::Cord& payload) {
  std::string bytes(payload);
  ErrorDetail detail;
  if (bytes.size() <= kMaxDetailBytes || !detail.ParseFromString(bytes)) {
    return bytes.size() <= kMaxDetailBytes ? bytes : std::string();
  }
  for (auto& [name, value] : *detail.mutable_metadata()) value = Shortened(value, 256);
  for (auto& violation : *detail.mutable_field_violations()) {
    violation.set_field(Shortened(violation.field(), 256));
    violation.set_description(Shortened(violation.description(), 256));
  }
  if (detail.ByteSizeLong() > kMaxDetailBytes) {
    detail.clear_metadata();
    detail.clear_field_violations();
  }
  return detail.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Shortened(status.message(), kMaxMessageBytes);
  internal::v1::RpcStatus wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  if (auto payload = status.GetPayload(kErrorDetailUrl)) {
    google::protobuf::Any* detail = wire.add_details();
    detail->set_type_url(kErrorDetailUrl);
    detail->set_value(BoundedDetail(*payload));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      wire.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  internal::v1::RpcStatus wire;
  // Details that do not parse are another server's; code and message still say what happened.
  if (!wire.ParseFromString(status.error_details())) return result;
  for (const google::protobuf::Any& detail : wire.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

}  // namespace cairn
