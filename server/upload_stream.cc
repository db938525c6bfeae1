#include "server/upload_stream.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/logging.h"
#include "base/rpc/payload_frame.h"
#include "server/convert.h"
#include "server/limits.h"
#include "server/validate.h"

namespace cairn::server {
namespace {

// All streams together write less than the disk's reserve between two looks at it.
constexpr int64_t kDiskCheckBytes = 16 << 20;

// Hands out a payload front to back as views.
class PayloadViews {
 public:
  explicit PayloadViews(absl::Span<const grpc::Slice> payload) : payload_(payload) {}

  // The next `bytes` bytes. Requires: so many are left.
  std::vector<absl::string_view> Take(int64_t bytes) {
    std::vector<absl::string_view> views;
    while (bytes > 0) {
      const absl::string_view rest = ViewOf(payload_[index_]).substr(offset_);
      const absl::string_view view = rest.substr(0, bytes);
      if (!view.empty()) views.push_back(view);
      bytes -= static_cast<int64_t>(view.size());
      offset_ += view.size();
      if (view.size() == rest.size()) {
        ++index_;
        offset_ = 0;
      }
    }
    return views;
  }

 private:
  const absl::Span<const grpc::Slice> payload_;
  size_t index_ = 0;
  size_t offset_ = 0;
};

absl::StatusOr<storage::SliceSpec> SpecOf(const v1::SlicePart& part) {
  storage::SliceSpec spec;
  CAIRN_ASSIGN_OR_RETURN(spec.kind, KindOf(part.kind()));
  spec.key = part.key();
  spec.dtype = part.dtype();
  spec.shape.assign(part.shape().begin(), part.shape().end());
  // The shape first, so that a bad one is not reported as a bad box.
  CAIRN_RETURN_IF_ERROR(ElementCount(spec.shape).status());
  const std::vector<ExtentSpec> extents = ExtentsOf(part.slice());
  CAIRN_ASSIGN_OR_RETURN(spec.box, ResolveBox(extents, spec.shape));
  spec.open_dimensions = OpenDimensionsOf(extents);
  spec.partial = part.partial();
  return spec;
}

absl::StatusOr<storage::BaseRange> BaseRangeOf(const v1::BaseRange& range) {
  storage::BaseRange base;
  CAIRN_ASSIGN_OR_RETURN(base.kind, KindOf(range.kind()));
  base.key = range.key();
  base.slice = ExtentsOf(range.slice());
  base.offset = range.offset();
  return base;
}

absl::Status AppendPart(const v1::SlicePart& part, PayloadViews* payload,
                        storage::SliceWriter* writer) {
  CAIRN_ASSIGN_OR_RETURN(storage::SliceSpec spec, SpecOf(part));
  std::optional<uint32_t> crc32c;
  if (part.has_crc32c()) crc32c = part.crc32c();
  if (part.has_base_range()) {
    CAIRN_ASSIGN_OR_RETURN(const storage::BaseRange base, BaseRangeOf(part.base_range()));
    return writer->AppendFromBase(spec, part.offset(), part.length(), base, crc32c);
  }
  return writer->Append(spec, part.offset(), payload->Take(part.length()), crc32c);
}

}  // namespace

absl::Status UploadStream::Open(const v1::UploadSlicesRequest& header) {
  CAIRN_RETURN_IF_ERROR(RequireField("directory", header.directory()), "first message");
  CAIRN_RETURN_IF_ERROR(RequireField("session", header.session()), "first message");
  CAIRN_ASSIGN_OR_RETURN(writer_, store_->NewSliceWriter(header.directory(), header.session(),
                                                         WriterOrDefault(header.writer())));
  return absl::OkStatus();
}

absl::Status UploadStream::CheckHeader(const v1::UploadSlicesRequest& header,
                                       int64_t payload_bytes) const {
  if (writer_ != nullptr &&
      !(header.directory().empty() && header.session().empty() && header.writer().empty())) {
    return InvalidField("directory", "only the first message names directory, session and writer");
  }
  if (payload_bytes > kMaxPayloadBytes) {
    return InvalidField("payload", absl::StrCat("has ", payload_bytes, " bytes; one message takes ",
                                                kMaxPayloadBytes, ", cut it into several"));
  }
  int64_t described = 0;
  for (int i = 0; i < header.parts_size(); ++i) {
    if (header.parts(i).has_base_range()) continue;  // none of its bytes were sent
    CAIRN_RETURN_IF_ERROR(ValidateRange(absl::StrCat("parts[", i, "].length"),
                                        header.parts(i).length(), 0, payload_bytes - described));
    described += header.parts(i).length();
  }
  if (described == payload_bytes) return absl::OkStatus();
  return InvalidField("payload", absl::StrCat("has ", payload_bytes, " bytes where the parts have ",
                                              described, "; every byte belongs to a part"));
}

absl::Status UploadStream::AccountForDisk(int64_t payload_bytes) {
  bytes_until_disk_check_ -= payload_bytes;
  if (bytes_until_disk_check_ >= 0) return absl::OkStatus();
  bytes_until_disk_check_ = kDiskCheckBytes;
  return admission_->CheckDisk();
}

absl::Status UploadStream::Receive(const v1::UploadSlicesRequest& header,
                                   absl::Span<const grpc::Slice> payload) {
  int64_t payload_bytes = 0;
  for (const grpc::Slice& slice : payload) payload_bytes += static_cast<int64_t>(slice.size());
  CAIRN_RETURN_IF_ERROR(CheckHeader(header, payload_bytes));
  if (writer_ == nullptr) CAIRN_RETURN_IF_ERROR(Open(header));
  CAIRN_RETURN_IF_ERROR(AccountForDisk(payload_bytes));
  PayloadViews views(payload);
  for (int i = 0; i < header.parts_size(); ++i) {
    CAIRN_RETURN_IF_ERROR(AppendPart(header.parts(i), &views, writer_.get()),
                          absl::StrCat("parts[", i, "], tensor ", header.parts(i).key()));
  }
  return absl::OkStatus();
}

std::optional<v1::UploadSlicesResponse> UploadStream::TakeAnswer() {
  if (writer_ == nullptr) return std::nullopt;
  const storage::WriterProgress progress = writer_->progress();
  if (progress.durable_parts == told_.durable_parts) return std::nullopt;
  told_ = progress;
  v1::UploadSlicesResponse answer;
  answer.set_durable_parts(progress.durable_parts);
  answer.set_durable_bytes(progress.durable_bytes);
  answer.set_stored_bytes(progress.stored_bytes);
  return answer;
}

absl::StatusOr<v1::UploadSlicesResponse> UploadStream::Finish() {
  if (writer_ == nullptr) {
    return InvalidField("directory", "is required in the first message, and none came");
  }
  CAIRN_RETURN_IF_ERROR(writer_->Finish());
  told_.durable_parts = -1;  // the last answer is always sent
  return *TakeAnswer();
}

void UploadStream::Salvage() {
  if (writer_ == nullptr) return;
  const absl::Status status = writer_->Salvage();
  if (!status.ok()) CAIRN_LOG(kWarning) << "what a broken stream brought is lost: " << status;
}

}  // namespace cairn::server
