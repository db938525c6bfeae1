#include "client/cli/bundle_sink.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/box.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "client/cli/state_file.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

// The slice of that box; the end if none was planned.
std::vector<PlannedSlice>::const_iterator FindSlice(const PlannedTensor& tensor, const Box& box) {
  const auto found = std::lower_bound(
      tensor.slices.begin(), tensor.slices.end(), box,
      [](const PlannedSlice& slice, const Box& wanted) { return slice.box < wanted; });
  return found != tensor.slices.end() && found->box == box ? found : tensor.slices.end();
}

}  // namespace

BundleSink::BundleSink(FileSystem* file_system, const std::string& prefix, BundlePlan plan,
                       bool write_state)
    : file_system_(file_system),
      prefix_(prefix),
      write_state_(write_state),
      selectors_(std::move(plan.selectors)),
      totals_(plan.totals),
      skipped_(std::move(plan.skipped)),
      encoded_(std::move(plan.encoded)) {}

absl::StatusOr<std::unique_ptr<BundleSink>> BundleSink::Create(FileSystem* file_system,
                                                               const std::string& prefix,
                                                               BundlePlan plan,
                                                               const Options& options) {
  if (prefix.empty() || prefix.back() == '/') {
    return UsageError(absl::StrCat("--output \"", prefix,
                                   "\" names no files: give a prefix such as ", prefix, "ckpt"));
  }
  std::vector<PlannedTensor> tensors = std::move(plan.tensors);
  auto sink = std::unique_ptr<BundleSink>(
      new BundleSink(file_system, prefix, std::move(plan), options.write_state));
  CAIRN_ASSIGN_OR_RETURN(
      sink->writer_, BundleWriter::Create(file_system, prefix, std::move(tensors), options.files));
  sink->AddTargets();
  return sink;
}

void BundleSink::AddTargets() {
  size_t pieces = 0;
  for (size_t i = 0; i < writer_->tensors().size(); ++i) {
    const PlannedTensor& tensor = writer_->tensors()[i];
    targets_[tensor.key] = {i, pieces, false};
    pieces += tensor.slices.size();
  }
  for (const EncodedSlice& slice : encoded_) {
    targets_[writer_->tensors()[slice.number.tensor].key].encoded = true;
  }
  MutexLock lock(&mutex_);
  pieces_.resize(pieces);
}

absl::Status BundleSink::Begin(const v1::OpenRestoreResponse& /*restore*/) {
  for (const EncodedSlice& slice : encoded_) {
    CAIRN_RETURN_IF_ERROR(writer_->WriteAt(slice.number, 0, slice.bytes));
    writer_->SetCrc32c(slice.number, slice.crc32c);
  }
  encoded_.clear();
  return absl::OkStatus();
}

absl::Status BundleSink::Write(const ArrivedPart& part) {
  const auto found = targets_.find(part.part.key());
  if (found == targets_.end()) {
    if (skipped_.contains(part.part.key())) return absl::OkStatus();
    return absl::InternalError("the server sent a tensor that was not selected");
  }
  const Target& target = found->second;
  // A slice without elements may not have been planned, and has nothing to write.
  if (target.encoded || part.length == 0) return absl::OkStatus();
  const PlannedTensor& tensor = writer_->tensors()[target.tensor];
  const auto slice = FindSlice(tensor, part.box);
  if (slice == tensor.slices.end()) {
    return absl::InternalError(
        absl::StrCat("the server sent slice ", ToString(part.box), ", which it had not listed"));
  }
  const size_t number = slice - tensor.slices.begin();
  int64_t offset = part.offset;
  for (absl::string_view bytes : part.bytes) {
    CAIRN_RETURN_IF_ERROR(writer_->WriteAt({target.tensor, number}, offset, bytes));
    offset += static_cast<int64_t>(bytes.size());
  }
  MutexLock lock(&mutex_);
  pieces_[target.first_piece + number].push_back({part.offset, part.length, part.crc32c});
  return absl::OkStatus();
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
  for (const auto& [key, target] : targets_) {
    if (target.encoded) continue;
    for (size_t i = 0; i < writer_->tensors()[target.tensor].slices.size(); ++i) {
      const BundleWriter::SliceNumber number = {target.tensor, i};
      CAIRN_ASSIGN_OR_RETURN(const uint32_t sum, SumOf(number, pieces_[target.first_piece + i]));
      writer_->SetCrc32c(number, sum);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> BundleSink::SumOf(BundleWriter::SliceNumber number,
                                           std::vector<Piece>& pieces) const {
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
  uint32_t sum = 0;
  int64_t end = 0;
  for (const Piece& piece : pieces) {
    if (piece.offset != end) break;
    sum = ConcatCrc32c(sum, piece.crc32c, piece.length);
    end += piece.length;
  }
  const PlannedTensor& tensor = writer_->tensors()[number.tensor];
  const PlannedSlice& slice = tensor.slices[number.slice];
  if (end == slice.size_bytes) return sum;
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("slice ", ToString(slice.box), " of tensor ", tensor.key,
                                " came without the bytes from ", end, " on"),
                   {{"key", tensor.key}, {"box", ToString(slice.box)}});
}

}  // namespace cairn::cli
