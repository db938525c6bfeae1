#include "storage/usage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "storage/borrow_release.h"
#include "storage/chunk_set.h"
#include "storage/directory_keys.h"
#include "storage/directory_roots.h"
#include "storage/record_rows.h"
#include "storage/segment_window.h"

namespace cairn::storage {
namespace {

// One answer in the making.
class Measurement {
 public:
  Measurement(Table* table, const Catalog* catalog, const Uid& directory)
      : table_(table), catalog_(catalog), directory_(directory) {}

  // A checkpoint that is asked for.
  absl::Status AddAsked(const CheckpointRecord& checkpoint, const Uid& uid) {
    asked_.push_back(uid);
    usage_.logical_bytes += checkpoint.logical_bytes();
    CAIRN_ASSIGN_OR_RETURN(const int64_t inline_bytes, InlineBytesOf(checkpoint, uid));
    usage_.stored_bytes += inline_bytes;
    return absl::OkStatus();
  }

  // What else of its directory keeps the bytes.
  void AddBeside(const Uid& manifest) { beside_.push_back(manifest); }

  absl::StatusOr<Usage> Run() {
    std::optional<Uid> after;
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const SegmentWindow window, ReadSegmentWindow(table_, asked_, after));
      if (window.empty()) break;
      CAIRN_RETURN_IF_ERROR(AddWindow(window));
      after = window.rbegin()->first;
    }
    usage_.freed_by_delete_bytes = usage_.stored_bytes - usage_.shared_bytes;
    return usage_;
  }

 private:
  // Before the record told it, all that was stored beside the 03 rows' bytes was inline.
  absl::StatusOr<int64_t> InlineBytesOf(const CheckpointRecord& checkpoint, const Uid& uid) const {
    if (checkpoint.has_inline_bytes()) return checkpoint.inline_bytes();
    int64_t bytes = checkpoint.stored_bytes();
    CAIRN_RETURN_IF_ERROR(
        VisitSegmentUses(table_, uid, EverySegment(), [&](const SegmentUseRow& use) {
          bytes -= use.stored_bytes;
          return true;
        }));
    return std::max<int64_t>(0, bytes);
  }

  absl::Status AddWindow(const SegmentWindow& window) {
    std::map<Uid, ChunkSet> elsewhere;
    const auto add = [&](const SegmentUseRow& use) { elsewhere[use.segment].Add(use.chunks); };
    CAIRN_RETURN_IF_ERROR(VisitUsesOf(table_, beside_, window, add));
    std::map<Uid, SegmentWindow> by_owner;
    for (const auto& [segment, listed] : window) by_owner[listed.owner][segment] = listed;
    for (const auto& [owner, segments] : by_owner) {
      if (owner != directory_) {
        CAIRN_ASSIGN_OR_RETURN(const std::vector<Uid>* manifests, ManifestsOf(owner));
        CAIRN_RETURN_IF_ERROR(VisitUsesOf(table_, *manifests, segments, add));
      }
      CAIRN_RETURN_IF_ERROR(
          VisitBorrows(table_, owner, RangeOf(segments), [&](const Borrow& borrow) {
            if (borrow.destination != directory_) elsewhere[borrow.segment].Add(borrow.chunks);
            return true;
          }));
    }
    for (const auto& [segment, listed] : window) {
      usage_.stored_bytes += listed.used.bytes();
      usage_.shared_bytes += listed.used.BytesIn(elsewhere[segment]);
    }
    return absl::OkStatus();
  }

  // The checkpoints and open sessions of another directory.
  absl::StatusOr<const std::vector<Uid>*> ManifestsOf(const Uid& owner) {
    const auto [it, is_new] = manifests_.try_emplace(owner);
    if (!is_new) return &it->second;
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Directory> directory, catalog_->Load(owner));
    if (!directory || directory->head.record.deleted()) return &it->second;
    const auto add = [&manifests = it->second](const Uid& manifest) {
      manifests.push_back(manifest);
      return absl::OkStatus();
    };
    CAIRN_RETURN_IF_ERROR(VisitOpenSessions(
        table_, owner, [&](const SessionRecord&, const Uid& manifest) { return add(manifest); }));
    CAIRN_RETURN_IF_ERROR(VisitUidKeys(table_, owner, kCheckpointPrefix, add));
    return &it->second;
  }

  Table* const table_;
  const Catalog* const catalog_;
  const Uid directory_;
  std::vector<Uid> asked_;
  std::vector<Uid> beside_;
  std::map<Uid, std::vector<Uid>> manifests_;  // of owners
  Usage usage_;
};

}  // namespace

absl::StatusOr<Usage> UsageMeter::OfDirectory(absl::string_view path) const {
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  Measurement measurement(table_, catalog_, directory.uid);
  const Partition partition = directory.partition();
  CAIRN_RETURN_IF_ERROR(VisitRows(
      table_, partition, kCheckpointPrefix, PrefixEnd(kCheckpointPrefix),
      [&](const Row& row) -> absl::StatusOr<bool> {
        CAIRN_ASSIGN_OR_RETURN(const Stored<CheckpointRecord> stored,
                               ParseRecord<CheckpointRecord>(partition, row.key, row.value));
        CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(partition, row.key, stored.record.uid()));
        CAIRN_RETURN_IF_ERROR(measurement.AddAsked(stored.record, uid));
        return true;
      }));
  return measurement.Run();
}

absl::StatusOr<Usage> UsageMeter::OfCheckpoint(absl::string_view path,
                                               absl::string_view reference) const {
  CAIRN_ASSIGN_OR_RETURN(const CheckpointRecord checkpoint, checkpoints_->Get(path, reference));
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(const Uid asked,
                         UidFromRow(directory.partition(), kCheckpointPrefix, checkpoint.uid()));
  Measurement measurement(table_, catalog_, directory.uid);
  CAIRN_RETURN_IF_ERROR(measurement.AddAsked(checkpoint, asked));
  CAIRN_RETURN_IF_ERROR(
      VisitOpenSessions(table_, directory.uid, [&](const SessionRecord&, const Uid& manifest) {
        measurement.AddBeside(manifest);
        return absl::OkStatus();
      }));
  CAIRN_RETURN_IF_ERROR(
      VisitUidKeys(table_, directory.uid, kCheckpointPrefix, [&](const Uid& manifest) {
        if (manifest != asked) measurement.AddBeside(manifest);
        return absl::OkStatus();
      }));
  return measurement.Run();
}

}  // namespace cairn::storage
