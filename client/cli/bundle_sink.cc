#include "client/cli/bundle_sink.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "client/cli/state_file.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {

BundleSink::BundleSink(FileSystem* file_system, const std::string& prefix, BundlePlan plan,
                       bool write_state)
    : file_system_(file_system),
      prefix_(prefix),
      plan_(std::move(plan)),
      write_state_(write_state),
      pieces_(plan_.entries.size()) {
  for (size_t i = 0; i < plan_.entries.size(); ++i) {
    entry_of_key_.emplace(plan_.entries[i].tensor.key, i);
  }
}

absl::StatusOr<std::unique_ptr<BundleSink>> BundleSink::Create(FileSystem* file_system,
                                                               const std::string& prefix,
                                                               BundlePlan plan,
                                                               const Options& options) {
  if (prefix.empty() || prefix.back() == '/') {
    return UsageError(absl::StrCat("--output \"", prefix,
                                   "\" names no files: give a prefix such as ", prefix, "ckpt"));
  }
  auto sink = std::unique_ptr<BundleSink>(
      new BundleSink(file_system, prefix, std::move(plan), options.write_state));
  std::vector<PlannedTensor> tensors;
  tensors.reserve(sink->plan_.entries.size());
  for (const BundlePlan::Entry& entry : sink->plan_.entries) tensors.push_back(entry.tensor);
  CAIRN_ASSIGN_OR_RETURN(
      sink->writer_, BundleWriter::Create(file_system, prefix, std::move(tensors), options.files));
  return sink;
}

absl::Status BundleSink::Begin(const v1::OpenRestoreResponse& /*restore*/) {
  for (size_t i = 0; i < plan_.entries.size(); ++i) {
    if (!plan_.entries[i].encoded.has_value()) continue;
    CAIRN_RETURN_IF_ERROR(writer_->WriteAt(i, 0, plan_.entries[i].encoded->bytes));
    writer_->SetCrc32c(i, plan_.entries[i].encoded->crc32c);
  }
  return absl::OkStatus();
}

absl::Status BundleSink::Write(const ArrivedPart& part) {
  const auto found = entry_of_key_.find(part.part.key());
  if (found == entry_of_key_.end()) {
    return absl::InternalError("the server sent a tensor that was not selected");
  }
  const size_t entry = found->second;
  if (plan_.entries[entry].encoded.has_value()) return absl::OkStatus();
  int64_t offset = part.offset;
  for (absl::string_view bytes : part.bytes) {
    CAIRN_RETURN_IF_ERROR(writer_->WriteAt(entry, offset, bytes));
    offset += static_cast<int64_t>(bytes.size());
  }
  MutexLock lock(&mutex_);
  pieces_[entry].push_back({part.offset, part.length, part.crc32c});
  return absl::OkStatus();
}

RestoreTotals BundleSink::totals() const {
  RestoreTotals totals;
  totals.tensors = static_cast<int64_t>(plan_.entries.size());
  for (const BundlePlan::Entry& entry : plan_.entries) totals.bytes += entry.logical_bytes;
  return totals;
}

absl::Status BundleSink::Finish() {
  CAIRN_RETURN_IF_ERROR(SetSums());
  if (!write_state_) return writer_->Finish();
  // Its name comes last, so that it never names files that are not there.
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<StateFile> state,
                         StateFile::Prepare(file_system_, prefix_));
  CAIRN_RETURN_IF_ERROR(writer_->Finish());
  return state->Publish();
}

absl::Status BundleSink::SetSums() {
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (plan_.entries[i].encoded.has_value()) continue;
    std::vector<Piece>& pieces = pieces_[i];
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
    uint32_t sum = 0;
    int64_t end = 0;
    for (const Piece& piece : pieces) {
      if (piece.offset != end) break;
      sum = ConcatCrc32c(sum, piece.crc32c, piece.length);
      end += piece.length;
    }
    if (end != plan_.entries[i].tensor.size_bytes) {
      return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                       absl::StrCat("tensor ", plan_.entries[i].tensor.key,
                                    " came without the bytes from ", end, " on"),
                       {{"key", plan_.entries[i].tensor.key}});
    }
    writer_->SetCrc32c(i, sum);
  }
  return absl::OkStatus();
}

}  // namespace cairn::cli
