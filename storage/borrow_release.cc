#include "storage/borrow_release.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "storage/directory_keys.h"
#include "storage/directory_roots.h"
#include "storage/record_rows.h"

namespace cairn::storage {
namespace {

using v1::BorrowRecord;

ChunkSet AllChunksOf(const BorrowRecord& record) {
  ChunkSet chunks(record.chunks());
  chunks.Add(ChunkSet(record.releasing()));
  return chunks;
}

// Moves the chunks that are not needed to `releasing`.
BorrowRecord Marked(const BorrowRecord& record, const ChunkSet& needed, absl::Time now) {
  const ChunkSet all = AllChunksOf(record);
  const ChunkSet unneeded = all.Without(needed);
  BorrowRecord marked = record;
  marked.set_chunks(all.Without(unneeded).bitmap());
  marked.set_releasing(unneeded.bitmap());
  marked.set_releasing_time(absl::ToUnixMicros(now));
  return marked;
}

// What is left when those are gone; nullopt: nothing.
std::optional<BorrowRecord> Released(const BorrowRecord& marked) {
  if (marked.chunks().empty()) return std::nullopt;
  BorrowRecord record = marked;
  record.clear_releasing();
  record.clear_releasing_time();
  return record;
}

// Moves them back.
BorrowRecord Unmarked(const BorrowRecord& marked) {
  BorrowRecord record = marked;
  record.set_chunks(AllChunksOf(marked).bitmap());
  record.clear_releasing();
  record.clear_releasing_time();
  return record;
}

class Release {
 public:
  Release(Table* table, Clock* clock, absl::FunctionRef<bool(const Uid&)> held,
          const Uid& destination)
      : table_(table), clock_(clock), held_(held), destination_(destination) {}

  absl::StatusOr<ReleasedBorrows> Run(const SegmentWindow& segments) {
    CAIRN_ASSIGN_OR_RETURN(DirectoryRoots roots, ReadDirectoryRoots(table_, destination_, held_));
    CAIRN_ASSIGN_OR_RETURN(NeededChunks needed, NeededOf(roots, segments));
    for (const auto& [segment, use] : segments) {
      CAIRN_RETURN_IF_ERROR(Mark(segment, use.owner, needed[segment]));
    }
    if (marked_.empty()) return std::move(result_);
    CAIRN_ASSIGN_OR_RETURN(roots, ReadDirectoryRoots(table_, destination_, held_));
    CAIRN_ASSIGN_OR_RETURN(needed, NeededOf(roots, segments));
    for (const MarkedBorrow& borrow : marked_) {
      if (ChunkSet(borrow.row.record.releasing()).CountIn(needed[borrow.segment]) > 0) {
        CAIRN_RETURN_IF_ERROR(Replace(borrow, Unmarked(borrow.row.record)).status());
      } else if (roots.oldest_session <= MarkTime(borrow) + kBorrowClockMargin) {
        result_.waiting.push_back(borrow.segment);
      } else {
        CAIRN_ASSIGN_OR_RETURN(const bool released, Replace(borrow, Released(borrow.row.record)));
        (released ? result_.released : result_.waiting).push_back(borrow.segment);
      }
    }
    return std::move(result_);
  }

 private:
  using NeededChunks = absl::flat_hash_map<Uid, ChunkSet>;  // by segment

  struct MarkedBorrow {
    Uid segment;
    Uid owner;
    Stored<BorrowRecord> row;
  };

  absl::StatusOr<NeededChunks> NeededOf(const DirectoryRoots& roots,
                                        const SegmentWindow& segments) {
    NeededChunks needed;
    CAIRN_RETURN_IF_ERROR(VisitUsesOf(table_, roots.live, segments, [&](const SegmentUseRow& use) {
      needed[use.segment].Add(use.chunks);
    }));
    return needed;
  }

  static absl::Time MarkTime(const MarkedBorrow& borrow) {
    return absl::FromUnixMicros(borrow.row.record.releasing_time());
  }

  static bool IsMarked(const BorrowRecord& record) { return record.releasing_time() != 0; }

  absl::StatusOr<std::optional<Stored<BorrowRecord>>> Read(const Uid& segment, const Uid& owner) {
    return ReadRecord<BorrowRecord>(table_, Partition::Directory(owner),
                                    BorrowKey(segment, destination_));
  }

  absl::Status Mark(const Uid& segment, const Uid& owner, const ChunkSet& needed) {
    CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<BorrowRecord>> row, Read(segment, owner));
    if (!row) {
      if (needed.count() == 0) result_.released.push_back(segment);
      return absl::OkStatus();
    }
    MarkedBorrow borrow{segment, owner, *std::move(row)};
    const BorrowRecord& record = borrow.row.record;
    // Marked by an earlier call, and needed again.
    if (ChunkSet(record.releasing()).CountIn(needed) > 0) {
      return Replace(borrow, Unmarked(record)).status();
    }
    if (AllChunksOf(record).IsIn(needed)) return absl::OkStatus();
    // A mark that nobody touched since keeps its time: sessions that opened later do not rely on
    // it.
    if (!IsMarked(record) || !ChunkSet(record.chunks()).IsIn(needed)) {
      const BorrowRecord marked = Marked(record, needed, clock_->Now());
      CAIRN_ASSIGN_OR_RETURN(const bool applied, Replace(borrow, marked));
      if (!applied) {
        result_.waiting.push_back(segment);
        return absl::OkStatus();
      }
      borrow.row = {marked, marked.SerializeAsString()};
    }
    marked_.push_back(std::move(borrow));
    return absl::OkStatus();
  }

  // False: somebody changed the row meanwhile. nullopt erases it. Buffered: a borrow that a crash
  // brings back is only released once more.
  absl::StatusOr<bool> Replace(const MarkedBorrow& borrow,
                               const std::optional<BorrowRecord>& record) {
    const std::string key = BorrowKey(borrow.segment, destination_);
    Batch batch{.partition = Partition::Directory(borrow.owner),
                .durability = Durability::kBuffered};
    batch.RequireEqual(key, borrow.row.bytes);
    if (record) {
      batch.Put(key, record->SerializeAsString());
    } else {
      batch.Erase(key);
    }
    CAIRN_ASSIGN_OR_RETURN(const WriteResult result, table_->Write(batch), "releasing a borrow");
    return result.applied();
  }

  Table* const table_;
  Clock* const clock_;
  const absl::FunctionRef<bool(const Uid&)> held_;
  const Uid destination_;
  std::vector<MarkedBorrow> marked_;
  ReleasedBorrows result_;
};

}  // namespace

absl::Status VisitBorrows(Table* table, const Uid& owner, const SegmentRange& range,
                          absl::FunctionRef<absl::StatusOr<bool>(const Borrow&)> visit) {
  const Partition partition = Partition::Directory(owner);
  const size_t prefix = absl::string_view(kBorrowPrefix).size();
  return VisitRows(
      table, partition, BorrowKey(range.first, Uid()),
      BorrowKey(range.last, EverySegment().last) + '\0',
      [&](const Row& row) -> absl::StatusOr<bool> {
        const absl::string_view uids = absl::string_view(row.key).substr(prefix);
        CAIRN_ASSIGN_OR_RETURN(const Uid segment,
                               UidFromRow(partition, row.key, uids.substr(0, Uid::kBytes)));
        CAIRN_ASSIGN_OR_RETURN(const Uid destination,
                               UidFromRow(partition, row.key, uids.substr(Uid::kBytes)));
        CAIRN_ASSIGN_OR_RETURN(const Stored<BorrowRecord> stored,
                               ParseRecord<BorrowRecord>(partition, row.key, row.value));
        return visit({segment, destination, AllChunksOf(stored.record)});
      });
}

absl::StatusOr<ReleasedBorrows> ReleaseBorrows(Table* table, Clock* clock,
                                               absl::FunctionRef<bool(const Uid&)> held,
                                               const Uid& destination,
                                               const SegmentWindow& segments) {
  return Release(table, clock, held, destination).Run(segments);
}

}  // namespace cairn::storage
