#include "client/save_uploader.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "client/durable_parts.h"
#include "client/slice_box.h"
#include "client/tensor_kind.h"

namespace cairn {
namespace {

// A server that lost its client writes what it has to the disk, which takes a moment: it is looked
// at until nothing changes.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(500);
constexpr int kMaxLooks = 20;
// Less than so many full messages is sent again without a look.
constexpr int64_t kWorthALookMessages = 8;

v1::SlicePart DescribePart(const SliceToSave& slice) {
  v1::SlicePart part;
  part.set_key(slice.key);
  part.set_kind(slice.kind);
  part.set_dtype(slice.dtype);
  for (const int64_t dimension : slice.shape) part.add_shape(dimension);
  if (slice.box != WholeBox(slice.shape)) {
    *part.mutable_slice() = SliceFromBox(slice.box, slice.open_dimensions);
  }
  part.set_partial(slice.partial);
  return part;
}

// The bytes of one message and who holds them: the caller where all are in its memory, else a
// buffer.
struct Payload {
  std::vector<absl::string_view> ranges;  // one per part
  std::shared_ptr<const void> owner;
};

absl::StatusOr<Payload> GatherPayload(absl::Span<const SliceToSave> slices,
                                      absl::Span<const PartToSave> ranges) {
  Payload payload;
  payload.ranges.reserve(ranges.size());
  int64_t bytes = 0;
  bool in_memory = true;
  for (const PartToSave& range : ranges) {
    bytes += range.length;
    in_memory = in_memory && slices[range.slice].source == nullptr;
  }
  if (in_memory) {
    for (const PartToSave& range : ranges) {
      payload.ranges.push_back(slices[range.slice].bytes.substr(range.offset, range.length));
    }
    return payload;
  }
  const auto buffer = std::make_shared_for_overwrite<char[]>(bytes);
  char* to = buffer.get();
  for (const PartToSave& range : ranges) {
    const SliceToSave& slice = slices[range.slice];
    if (slice.source != nullptr) {
      CAIRN_RETURN_IF_ERROR(
          slice.source->Read(range.offset, absl::MakeSpan(to, static_cast<size_t>(range.length))),
          absl::StrCat("reading ", NounOf(slice.kind), " ", slice.key));
    } else {
      slice.bytes.copy(to, range.length, range.offset);
    }
    payload.ranges.emplace_back(to, range.length);
    to += range.length;
  }
  payload.owner = buffer;
  return payload;
}

}  // namespace

SaveUploader::SaveUploader(Connection& connection, const v1::SaveSession& session,
                           const std::string& writer, absl::Span<const SliceToSave> slices,
                           const SavePlan& plan, const BaseIndex* base, ProgressReporter& progress,
                           Clock* clock, Random* random)
    : connection_(connection),
      session_(session),
      writer_(writer),
      slices_(slices),
      plan_(plan),
      base_(base),
      progress_(progress),
      clock_(clock),
      random_(random),
      part_sums_(plan.parts.size()) {}

absl::Status SaveUploader::Run(int streams) {
  const int count = static_cast<int>(std::min<size_t>(streams, plan_.batches.size()));
  CAIRN_RETURN_IF_ERROR(group_.Run(count, [this](int index) { return RunStream(index); }));
  return CheckAllSums();
}

absl::Status SaveUploader::RunStream(int index) {
  Backoff backoff(RetryPolicy::ForStreams(), clock_, random_);
  // Opened for a batch in hand: the server refuses a stream that ends without a message, and the
  // other streams may have taken everything.
  while (const std::optional<BatchToSave> batch = TakeBatch()) {
    const std::unique_ptr<UploadStream> stream = connection_.UploadSlices(index);
    const StreamGroup::Cancellation cancellation(&group_, [&stream] { stream->Cancel(); });
    std::vector<SentBatch> sent;
    const absl::Status status = SendBatches(*stream, *batch, &sent);
    if (status.ok() || group_.failed()) return status;
    if (stream->durable_parts() > 0) backoff.Reset();
    if (!backoff.WaitToRetry(status)) return status;
    GiveBack(WithoutDurable(NotConfirmed(sent, stream->durable_parts())));
  }
  return absl::OkStatus();
}

absl::Status SaveUploader::SendBatches(UploadStream& stream, const BatchToSave& first,
                                       std::vector<SentBatch>* sent) {
  for (std::optional<BatchToSave> batch = first; batch.has_value(); batch = TakeBatch()) {
    const bool is_first = sent->empty();
    sent->push_back({*batch});
    CAIRN_RETURN_IF_ERROR(SendBatch(stream, sent->back(), is_first));
  }
  return stream.Finish().status();
}

absl::Status SaveUploader::SendBatch(UploadStream& stream, SentBatch& sent, bool first) {
  const BatchToSave& batch = sent.batch;
  v1::UploadSlicesRequest message;
  if (first) {
    message.set_directory(session_.directory());
    message.set_session(session_.session());
    message.set_writer(writer_);
  }
  if (batch.bytes > plan_.max_payload_bytes) {
    return SendLargePart(stream, sent, message);
  }
  CAIRN_RETURN_IF_ERROR(
      SendMessage(stream, sent, message,
                  absl::MakeConstSpan(plan_.parts).subspan(batch.first_part, batch.part_count)));
  for (size_t i = 0; i < batch.part_count; ++i) {
    const size_t part = batch.first_part + i;
    part_sums_[part] = message.parts(static_cast<int>(i)).crc32c();
    if (plan_.parts[part].length == slices_[plan_.parts[part].slice].bytes_count) {
      CAIRN_RETURN_IF_ERROR(CheckSum(part));
    }
  }
  return absl::OkStatus();
}

absl::Status SaveUploader::SendLargePart(UploadStream& stream, SentBatch& sent,
                                         v1::UploadSlicesRequest& message) {
  const size_t part = sent.batch.first_part;
  const PartToSave& whole = plan_.parts[part];
  uint32_t sum = 0;
  int64_t done = 0;
  while (done < whole.length) {
    const int64_t length = std::min(plan_.max_payload_bytes, whole.length - done);
    const PartToSave range = {whole.slice, whole.offset + done, length};
    CAIRN_RETURN_IF_ERROR(SendMessage(stream, sent, message, absl::MakeConstSpan(&range, 1)));
    sum = ConcatCrc32c(sum, message.parts(0).crc32c(), length);
    done += length;
    message.Clear();
  }
  part_sums_[part] = sum;
  return absl::OkStatus();
}

absl::Status SaveUploader::SendMessage(UploadStream& stream, SentBatch& sent,
                                       v1::UploadSlicesRequest& message,
                                       absl::Span<const PartToSave> ranges) {
  absl::StatusOr<Payload> gathered = GatherPayload(slices_, ranges);
  if (!gathered.ok()) {
    group_.Fail(gathered.status());  // whatever its code, another stream would not help
    return gathered.status();
  }
  Payload& payload = *gathered;
  std::vector<absl::string_view> to_send;
  int64_t bytes = 0;
  int64_t reused = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    v1::SlicePart* part = message.add_parts();
    *part = DescribePart(slices_[ranges[i].slice]);
    part->set_offset(ranges[i].offset);
    part->set_length(ranges[i].length);
    part->set_crc32c(Crc32c(payload.ranges[i]));
    std::optional<v1::BaseRange> in_base;
    if (base_ != nullptr && ranges[i].length > 0) in_base = base_->Find(payload.ranges[i]);
    if (in_base.has_value()) {
      *part->mutable_base_range() = *std::move(in_base);
      reused += ranges[i].length;
    } else {
      to_send.push_back(payload.ranges[i]);
      bytes += ranges[i].length;
    }
  }
  CAIRN_RETURN_IF_ERROR(stream.Write(message, to_send, std::move(payload.owner)));
  bytes_sent_ += bytes;
  bytes_reused_ += reused;
  sent.bytes += bytes + reused;
  progress_.Add(bytes + reused);
  return absl::OkStatus();
}

std::optional<BatchToSave> SaveUploader::TakeBatch() {
  MutexLock lock(&mutex_);
  if (!given_back_.empty()) {
    const BatchToSave batch = given_back_.back();
    given_back_.pop_back();
    return batch;
  }
  if (next_batch_ == plan_.batches.size()) return std::nullopt;
  return plan_.batches[next_batch_++];
}

std::vector<SaveUploader::SentBatch> SaveUploader::NotConfirmed(const std::vector<SentBatch>& sent,
                                                                int64_t durable_parts) {
  std::vector<SentBatch> rest;
  for (const SentBatch& batch : sent) {
    durable_parts -= static_cast<int64_t>(batch.batch.part_count);
    if (durable_parts >= 0) continue;
    durable_parts = 0;  // a stream makes its parts durable in order
    rest.push_back(batch);
  }
  return rest;
}

std::vector<SaveUploader::SentBatch> SaveUploader::WithoutDurable(std::vector<SentBatch> batches) {
  std::vector<PartToSave> parts;
  int64_t bytes = 0;
  for (const SentBatch& sent : batches) {
    bytes += sent.bytes;
    const auto first = plan_.parts.begin() + static_cast<std::ptrdiff_t>(sent.batch.first_part);
    parts.insert(parts.end(), first, first + static_cast<std::ptrdiff_t>(sent.batch.part_count));
  }
  if (bytes < kWorthALookMessages * plan_.max_payload_bytes) return batches;
  absl::StatusOr<std::vector<bool>> durable = std::vector<bool>(parts.size());
  for (int look = 0; look < kMaxLooks; ++look) {
    if (look > 0) clock_->Sleep(kBetweenLooks);
    const std::vector<bool> before = *std::move(durable);
    durable = FindDurable(connection_, session_, writer_, slices_, parts);
    // What it does not tell is sent again, which does no harm.
    if (!durable.ok()) return batches;
    if (look > 0 && *durable == before) break;
  }
  std::vector<SentBatch> rest;
  auto next = durable->begin();
  for (const SentBatch& sent : batches) {
    const auto end = next + static_cast<std::ptrdiff_t>(sent.batch.part_count);
    if (std::find(next, end, false) != end) {
      rest.push_back(sent);
    } else {
      progress_.Add(sent.batch.bytes -
                    sent.bytes);  // the last of it went, whatever the stream said
    }
    next = end;
  }
  return rest;
}

void SaveUploader::GiveBack(const std::vector<SentBatch>& batches) {
  for (const SentBatch& sent : batches) progress_.Add(-sent.bytes);
  MutexLock lock(&mutex_);
  for (const SentBatch& sent : batches) given_back_.push_back(sent.batch);
}

absl::Status SaveUploader::CheckSum(size_t first_part) const {
  const size_t index = plan_.parts[first_part].slice;
  const SliceToSave& slice = slices_[index];
  if (!slice.expected_crc32c.has_value()) return absl::OkStatus();
  uint32_t sum = 0;
  for (size_t p = first_part; p < plan_.parts.size() && plan_.parts[p].slice == index; ++p) {
    sum = ConcatCrc32c(sum, part_sums_[p], plan_.parts[p].length);
  }
  if (sum == *slice.expected_crc32c) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH, absl::StatusCode::kDataLoss,
      absl::StrCat("cannot save ", NounOf(slice.kind), " ", slice.key,
                   ": its bytes have the crc32c ", absl::Hex(sum, absl::kZeroPad8),
                   ", not the recorded ", absl::Hex(*slice.expected_crc32c, absl::kZeroPad8),
                   "; the source is damaged, take another copy"),
      {{"key", slice.key}});
}

absl::Status SaveUploader::CheckAllSums() const {
  for (size_t p = 0; p < plan_.parts.size(); ++p) {
    if (plan_.parts[p].offset == 0) CAIRN_RETURN_IF_ERROR(CheckSum(p));
  }
  return absl::OkStatus();
}

}  // namespace cairn
