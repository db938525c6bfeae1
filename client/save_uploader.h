// Sends the slices of one save over several streams.
#ifndef CAIRN_CLIENT_SAVE_UPLOADER_H_
#define CAIRN_CLIENT_SAVE_UPLOADER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "client/base_index.h"
#include "client/connection.h"
#include "client/progress.h"
#include "client/retry_policy.h"
#include "client/save.h"
#include "client/save_plan.h"
#include "client/stream_group.h"

namespace cairn {

// Each stream takes the next batch when it is done with one, so that a slow one takes fewer. What
// was not durable when a stream broke is sent again by whichever takes it next.
class SaveUploader {
 public:
  // Everything is borrowed and outlives this. `base`: what need not be sent; may be null.
  SaveUploader(Connection& connection, const v1::SaveSession& session, const std::string& writer,
               absl::Span<const SliceToSave> slices, const SavePlan& plan, const BaseIndex* base,
               ProgressReporter& progress, Clock* clock, Random* random);

  // Sends everything; afterwards it is durable. Call once.
  // Errors: kDataLoss (not the expected sum; the key is named), a source's own, the call's own.
  absl::Status Run(int streams);

  int64_t bytes_sent() const { return bytes_sent_; }
  // Of the base, and not sent.
  int64_t bytes_reused() const { return bytes_reused_; }

 private:
  // Sends batches until none is left or a stream breaks for good.
  absl::Status RunStream(int index);
  // A batch that went into a stream, and how many of its bytes did.
  struct SentBatch {
    BatchToSave batch;
    int64_t bytes = 0;
  };

  // Sends `first` and what is left. Those that went are added to `sent`.
  absl::Status SendBatches(UploadStream& stream, const BatchToSave& first,
                           std::vector<SentBatch>* sent);
  absl::Status SendBatch(UploadStream& stream, SentBatch& sent, bool first);
  absl::Status SendLargePart(UploadStream& stream, SentBatch& sent,
                             v1::UploadSlicesRequest& message);
  absl::Status SendMessage(UploadStream& stream, SentBatch& sent, v1::UploadSlicesRequest& message,
                           absl::Span<const PartToSave> ranges);

  std::optional<BatchToSave> TakeBatch();
  // Those of `sent` that the stream did not say are durable.
  static std::vector<SentBatch> NotConfirmed(const std::vector<SentBatch>& sent,
                                             int64_t durable_parts);
  // Those of `batches` that the server lacks, once it has put away what the broken stream brought.
  std::vector<SentBatch> WithoutDurable(std::vector<SentBatch> batches);
  // They are taken again.
  void GiveBack(const std::vector<SentBatch>& batches);

  // kDataLoss unless the slice of `part` has its expected sum. Requires: all its parts were sent.
  absl::Status CheckSum(size_t first_part) const;
  absl::Status CheckAllSums() const;

  Connection& connection_;
  const v1::SaveSession& session_;
  const std::string& writer_;
  const absl::Span<const SliceToSave> slices_;
  const SavePlan& plan_;
  const BaseIndex* const base_;
  ProgressReporter& progress_;
  Clock* const clock_;
  Random* const random_;
  StreamGroup group_;
  std::atomic<int64_t> bytes_sent_ = 0;
  std::atomic<int64_t> bytes_reused_ = 0;
  // By part, each written by the stream that sends it.
  std::vector<uint32_t> part_sums_;
  Mutex mutex_;
  size_t next_batch_ CAIRN_GUARDED_BY(mutex_) = 0;
  std::vector<BatchToSave> given_back_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_SAVE_UPLOADER_H_
