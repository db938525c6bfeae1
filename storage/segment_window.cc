#include "storage/segment_window.h"

#include <iterator>
#include <string>

#include "base/error.h"
#include "storage/manifest.h"
#include "storage/row_scanner.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

absl::StatusOr<SegmentUseRow> ParseSegmentUse(const Row& row) {
  const std::optional<Uid> segment = DecodeSegmentKey(row.key);
  if (!segment) return DamagedRow(row.key, "its key is not that of a segment");
  v1::SegmentUse use;
  if (!use.ParseFromString(row.value)) return DamagedRow(row.key, "it does not parse");
  const std::optional<Uid> owner = Uid::FromBytes(use.owner_directory_uid());
  if (!owner) return DamagedRow(row.key, "it names no directory");
  return SegmentUseRow{*segment, *owner, ChunkSet(use.chunks()), use.stored_bytes()};
}

}  // namespace

SegmentRange EverySegment() { return {Uid(), *Uid::FromBytes(std::string(Uid::kBytes, '\xff'))}; }

absl::Status VisitSegmentUses(Table* table, const Uid& manifest, const SegmentRange& range,
                              absl::FunctionRef<absl::StatusOr<bool>(const SegmentUseRow&)> visit) {
  RowScanner rows(table, manifest,
                  {{EncodeSegmentKey(range.first), EncodeSegmentKey(range.last) + '\0'}});
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Row* row, rows.Next());
    if (row == nullptr) return absl::OkStatus();
    CAIRN_ASSIGN_OR_RETURN(const SegmentUseRow use, ParseSegmentUse(*row));
    CAIRN_ASSIGN_OR_RETURN(const bool more, visit(use));
    if (!more) return absl::OkStatus();
  }
}

SegmentRange RangeOf(const SegmentWindow& window) {
  return {window.begin()->first, window.rbegin()->first};
}

absl::StatusOr<SegmentWindow> ReadSegmentWindow(Table* table, absl::Span<const Uid> manifests,
                                                const std::optional<Uid>& after) {
  SegmentWindow window;
  for (const Uid& manifest : manifests) {
    const auto add = [&](const SegmentUseRow& use) {
      if (use.segment == after) return true;
      // Whatever follows in this manifest lies beyond the window.
      const bool full = window.size() == kWindowSegments;
      if (full && use.segment > window.rbegin()->first) return false;
      ListedSegment& listed = window[use.segment];
      listed.owner = use.owner;
      listed.used.Add(use.chunks, use.stored_bytes);
      if (window.size() > kWindowSegments) window.erase(std::prev(window.end()));
      return true;
    };
    CAIRN_RETURN_IF_ERROR(
        VisitSegmentUses(table, manifest, {after.value_or(Uid()), EverySegment().last}, add));
  }
  return window;
}

absl::Status VisitUsesOf(Table* table, absl::Span<const Uid> manifests, const SegmentWindow& window,
                         absl::FunctionRef<void(const SegmentUseRow&)> visit) {
  if (window.empty()) return absl::OkStatus();
  for (const Uid& manifest : manifests) {
    CAIRN_RETURN_IF_ERROR(
        VisitSegmentUses(table, manifest, RangeOf(window), [&](const SegmentUseRow& use) {
          if (window.contains(use.segment)) visit(use);
          return true;
        }));
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
