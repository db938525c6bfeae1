#include "client/restore_run.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "client/lease_keeper.h"
#include "client/payload_cursor.h"
#include "client/progress.h"
#include "client/retry_policy.h"
#include "client/slice_box.h"
#include "client/stream_count.h"
#include "client/stream_group.h"
#include "client/tensor_kind.h"

namespace cairn {
namespace {

// The server's lease lasts ten minutes: two renewals may fail.
constexpr absl::Duration kRenewalInterval = absl::Minutes(3);

absl::Status BrokenMessage(absl::string_view what) {
  return absl::InternalError(absl::StrCat("the server sent a restore's message that ", what));
}

uint32_t SumOf(absl::Span<const absl::string_view> ranges) {
  uint32_t sum = 0;
  for (absl::string_view range : ranges) sum = ExtendCrc32c(sum, range);
  return sum;
}

class RestoreRun {
 public:
  RestoreRun(Connection& connection, const v1::OpenRestoreResponse& restore,
             const RestoreOptions& options, SliceSink& sink, Clock* clock, Random* random)
      : connection_(connection),
        restore_(restore),
        sink_(sink),
        clock_(clock),
        random_(random),
        progress_(options.progress, restore.total_bytes(), clock) {}

  absl::StatusOr<RestoreResult> Run() {
    CAIRN_RETURN_IF_ERROR(sink_.Begin(restore_));
    CAIRN_RETURN_IF_ERROR(
        group_.Run(restore_.stream_tokens_size(), [this](int index) { return RunStream(index); }));
    progress_.Finish();
    if (bytes_ != restore_.total_bytes()) {
      return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                       absl::StrCat("restoring ", restore_.reference(), ": ", bytes_.load(),
                                    " bytes came of ", restore_.total_bytes()));
    }
    return RestoreResult{restore_.uid(), restore_.reference(), restore_.tensor_count(), bytes_};
  }

 private:
  // Reads one stream to its end, going on with its last token when it breaks.
  absl::Status RunStream(int index) {
    std::string token = restore_.stream_tokens(index);
    Backoff backoff(RetryPolicy::ForStreams(), clock_, random_);
    while (!token.empty()) {
      v1::DownloadSlicesRequest request;
      request.set_token(token);
      const std::unique_ptr<DownloadStream> stream = connection_.DownloadSlices(index, request);
      const StreamGroup::Cancellation cancellation(&group_, [&stream] { stream->Cancel(); });
      const absl::Status status = ReadStream(*stream, &token);
      if (status.ok() || token.empty()) break;  // after the last message nothing can go wrong
      if (group_.failed()) return status;
      if (token != request.token()) backoff.Reset();
      if (!backoff.WaitToRetry(status)) return status;
    }
    return absl::OkStatus();
  }

  absl::Status ReadStream(DownloadStream& stream, std::string* token) {
    v1::DownloadSlicesResponse message;
    std::vector<absl::string_view> payload;
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const bool more, stream.Read(&message, &payload));
      if (!more) break;
      if (absl::Status taken = TakeMessage(message, payload); !taken.ok()) {
        group_.Fail(taken);  // nothing to try again: part of the message may have been taken
        return taken;
      }
      *token = message.next_token();
    }
    if (!token->empty())
      return absl::UnavailableError("a restore's stream ended before its last message");
    return absl::OkStatus();
  }

  absl::Status TakeMessage(const v1::DownloadSlicesResponse& message,
                           const std::vector<absl::string_view>& payload) {
    PayloadCursor cursor(payload);
    for (const v1::SlicePart& part : message.parts()) {
      std::vector<absl::string_view> ranges;
      if (!cursor.Take(part.length(), &ranges))
        return BrokenMessage("has less payload than it says");
      CAIRN_RETURN_IF_ERROR(TakePart(part, ranges),
                            absl::StrCat("restoring ", NounOf(part.kind()), " ", part.key()));
    }
    if (!cursor.at_end()) return BrokenMessage("has more payload than it says");
    return absl::OkStatus();
  }

  absl::Status TakePart(const v1::SlicePart& part, absl::Span<const absl::string_view> ranges) {
    const uint32_t sum = SumOf(ranges);
    if (!part.has_crc32c() || part.crc32c() != sum) {
      return MakeError(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH, absl::StatusCode::kDataLoss,
                       absl::StrCat(part.length(), " bytes at ", part.offset(),
                                    " are not those that were saved; try again, and if it stays "
                                    "have the store verified"),
                       {{"key", part.key()}});
    }
    if (part.offset() < 0) return BrokenMessage("has a negative offset");
    CAIRN_ASSIGN_OR_RETURN(const Box box, BoxOfPart(part));
    CAIRN_RETURN_IF_ERROR(sink_.Write({part, box, part.offset(), part.length(), sum, ranges}));
    bytes_ += part.length();
    progress_.Add(part.length());
    return absl::OkStatus();
  }

  Connection& connection_;
  const v1::OpenRestoreResponse& restore_;
  SliceSink& sink_;
  Clock* const clock_;
  Random* const random_;
  ProgressReporter progress_;
  StreamGroup group_;
  std::atomic<int64_t> bytes_ = 0;
};

}  // namespace

absl::StatusOr<RestoreResult> RunRestore(Connection& connection, v1::OpenRestoreRequest request,
                                         const RestoreOptions& options, SliceSink& sink,
                                         Clock* clock, Random* random) {
  CAIRN_RETURN_IF_ERROR(CheckStreamCount(options.streams));
  request.set_streams(options.streams);
  CAIRN_ASSIGN_OR_RETURN(const v1::OpenRestoreResponse restore, connection.OpenRestore(request));
  absl::StatusOr<RestoreResult> result = [&]() -> absl::StatusOr<RestoreResult> {
    const LeaseKeeper lease(kRenewalInterval, [&connection, &restore] {
      v1::RenewRestoreRequest renew;
      renew.set_restore(restore.restore());
      (void)connection.RenewRestore(renew);
    });
    return RestoreRun(connection, restore, options, sink, clock, random).Run();
  }();
  v1::CloseRestoreRequest close;
  close.set_restore(restore.restore());
  // Best effort: a lease that cannot be ended expires.
  (void)connection.CloseRestore(close);
  return result;
}

}  // namespace cairn
