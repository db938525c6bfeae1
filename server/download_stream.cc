#include "server/download_stream.h"

#include <utility>

#include "base/error.h"
#include "base/rpc/payload_frame.h"
#include "server/convert.h"
#include "server/limits.h"

namespace cairn::server {
namespace {

void Describe(const storage::OutgoingPart& part, v1::SlicePart* api) {
  api->set_key(part.key);
  api->set_kind(ToApi(part.kind));
  api->set_dtype(part.dtype);
  api->mutable_shape()->Add(part.shape.begin(), part.shape.end());
  *api->mutable_slice() = ToApi(part.box);
  api->set_offset(part.offset);
  api->set_length(static_cast<int64_t>(part.bytes.view().size()));
  api->set_crc32c(part.crc32c);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DownloadStream>> DownloadStream::Open(storage::Store* store,
                                                                     absl::string_view token) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<storage::SliceReader> reader,
                         store->NewSliceReader(token));
  return std::unique_ptr<DownloadStream>(new DownloadStream(std::move(reader)));
}

absl::StatusOr<DownloadStream::Batch> DownloadStream::ReadBatch() {
  Batch batch;
  CAIRN_ASSIGN_OR_RETURN(batch.parts, reader_->Next(kMaxPayloadBytes));
  batch.next_token = reader_->token();
  return batch;
}

absl::Status DownloadStream::Advance() {
  if (!begun_) ahead_ = ReadBatch();
  begun_ = true;
  CAIRN_ASSIGN_OR_RETURN(current_, std::move(ahead_));
  if (current_.parts.empty()) {
    ahead_ = Batch();
  } else {
    ahead_ = ReadBatch();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> DownloadStream::Next(v1::DownloadSlicesResponse* header,
                                          std::vector<grpc::Slice>* payload) {
  header->Clear();
  payload->clear();
  if (ended_) return false;
  CAIRN_RETURN_IF_ERROR(Advance());
  for (const storage::OutgoingPart& part : current_.parts) {
    Describe(part, header->add_parts());
    if (!part.bytes.view().empty()) {
      payload->push_back(SliceOf(part.bytes.view(), part.bytes.owner()));
    }
  }
  ended_ = ahead_.ok() && ahead_->parts.empty();
  if (!ended_) header->set_next_token(current_.next_token);
  return true;
}

}  // namespace cairn::server
