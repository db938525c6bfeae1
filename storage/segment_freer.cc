#include "storage/segment_freer.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "storage/borrow_release.h"

namespace cairn::storage {

absl::StatusOr<SegmentFreer::NeededChunks> SegmentFreer::ReadNeeded(
    const SegmentJudge& judge, const SegmentWindow& window) const {
  NeededChunks needed;
  const auto add = [&](const SegmentUseRow& use) {
    Needed& entry = needed[use.segment];
    entry.listed = true;
    entry.chunks.Add(use.chunks, use.stored_bytes);
  };
  CAIRN_RETURN_IF_ERROR(VisitUsesOf(table_, judge.live, window, add));
  CAIRN_RETURN_IF_ERROR(
      VisitBorrows(table_, judge.owner, RangeOf(window), [&](const Borrow& borrow) {
        const auto listed = window.find(borrow.segment);
        if (listed == window.end()) return true;
        Needed& entry = needed[borrow.segment];
        entry.listed = true;
        entry.chunks.AddWithMean(borrow.chunks, listed->second.used.bytes_per_chunk());
        return true;
      }));
  // Sessions again, after everything else: what opened meanwhile counts.
  std::vector<Uid> opened;
  CAIRN_RETURN_IF_ERROR(VisitOpenSessions(
      table_, judge.owner, [&](const SessionRecord& /*session*/, const Uid& manifest) {
        if (!std::binary_search(judge.live.begin(), judge.live.end(), manifest)) {
          opened.push_back(manifest);
        }
        return absl::OkStatus();
      }));
  CAIRN_RETURN_IF_ERROR(VisitUsesOf(table_, opened, window, add));
  return needed;
}

absl::StatusOr<bool> SegmentFreer::IsYoung(const Uid& segment, absl::Time read_time) const {
  const absl::StatusOr<std::string> stored = segments_->ReadHeader(segment);
  // What is damaged can be freed like anything else.
  if (absl::IsNotFound(stored.status()) || absl::IsDataLoss(stored.status())) return false;
  CAIRN_RETURN_IF_ERROR(stored.status());
  v1::SegmentHeader header;
  return header.ParseFromString(*stored) && absl::FromUnixMicros(header.create_time()) > read_time;
}

absl::Status SegmentFreer::Remove(const std::vector<Uid>& segments, CollectResult* result) const {
  if (segments.empty()) return absl::OkStatus();
  int64_t count = 0;
  int64_t bytes = 0;
  for (const Uid& segment : segments) {
    CAIRN_ASSIGN_OR_RETURN(const int64_t stored, segments_->StoredBytes(segment));
    if (stored > 0) ++count;
    bytes += stored;
  }
  CAIRN_RETURN_IF_ERROR(segments_->Remove(segments));
  result->segments += count;
  result->freed_bytes += bytes;
  return absl::OkStatus();
}

absl::StatusOr<bool> SegmentFreer::ShrinkIfWorthIt(const Uid& segment, const ChunkTally& needed,
                                                   CollectResult* result) const {
  if (needed.bytes() == 0) return true;  // sizes are not known
  CAIRN_ASSIGN_OR_RETURN(const int64_t before, segments_->StoredBytes(segment));
  const int64_t dead = before - needed.bytes();
  if (dead < kMinShrinkBytes || dead * kShrinkDeadToLive <= needed.bytes()) return true;
  const absl::Status retained = segments_->Retain(segment, needed.chunks().Numbers());
  if (absl::IsResourceExhausted(retained)) return false;
  CAIRN_RETURN_IF_ERROR(retained);
  CAIRN_ASSIGN_OR_RETURN(const int64_t after, segments_->StoredBytes(segment));
  if (after >= before) return true;
  ++result->shrunk_segments;
  result->freed_bytes += before - after;
  return true;
}

absl::StatusOr<std::vector<Uid>> SegmentFreer::Free(const SegmentJudge& judge,
                                                    const SegmentWindow& window, bool shrink,
                                                    CollectResult* result) const {
  std::vector<Uid> waiting;
  if (window.empty()) return waiting;
  CAIRN_ASSIGN_OR_RETURN(const NeededChunks needed, ReadNeeded(judge, window));
  std::vector<Uid> unused, used;
  for (const auto& [segment, listed] : window) {
    CAIRN_ASSIGN_OR_RETURN(const bool is_young, IsYoung(segment, judge.read_time));
    if (is_young) {
      waiting.push_back(segment);
    } else {
      (needed.contains(segment) ? used : unused).push_back(segment);
    }
  }
  // First what needs no room.
  CAIRN_RETURN_IF_ERROR(Remove(unused, result));
  if (!shrink) return waiting;
  for (const Uid& segment : used) {
    CAIRN_ASSIGN_OR_RETURN(const bool done,
                           ShrinkIfWorthIt(segment, needed.at(segment).chunks, result));
    if (!done) waiting.push_back(segment);
  }
  return waiting;
}

}  // namespace cairn::storage
