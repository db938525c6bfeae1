// The search for what no row leads to any more.
#include <algorithm>
#include <map>
#include <utility>

#include "storage/collector.h"

namespace cairn::storage {
namespace {

// A page of borrows, by destination; whole segments.
struct BorrowPage {
  std::map<Uid, SegmentWindow> by_destination;
  Uid last;  // the segment that was read last
  bool any = false;
  bool complete = true;
};

absl::StatusOr<BorrowPage> ReadBorrowPage(Table* table, const Uid& owner, const Uid& from) {
  BorrowPage page;
  size_t segments = 0;
  CAIRN_RETURN_IF_ERROR(
      VisitBorrows(table, owner, {from, EverySegment().last}, [&](const Borrow& borrow) {
        const bool is_new = !page.any || borrow.segment != page.last;
        if (is_new && segments == kWindowSegments) {
          page.complete = false;
          return false;
        }
        segments += is_new ? 1 : 0;
        page.any = true;
        page.last = borrow.segment;
        page.by_destination[borrow.destination][borrow.segment].owner = owner;
        return true;
      }));
  return page;
}

// The next uid in order. Requires: there is one.
Uid Successor(const Uid& uid) {
  std::string bytes(uid.bytes());
  for (size_t i = bytes.size(); i > 0 && ++bytes[i - 1] == '\0'; --i) continue;
  return *Uid::FromBytes(bytes);
}

}  // namespace

absl::StatusOr<Collector::UidSet> Collector::ReadNamedManifests() const {
  UidSet manifests;
  CAIRN_RETURN_IF_ERROR(
      ForEachPartition(Partition::Table::kDirectory, [&](const Uid& directory) -> absl::Status {
        CAIRN_ASSIGN_OR_RETURN(const DirectoryRoots roots, ReadRoots(directory));
        manifests.insert(roots.live.begin(), roots.live.end());
        manifests.insert(roots.dead.begin(), roots.dead.end());
        return absl::OkStatus();
      }));
  return manifests;
}

absl::Status Collector::CollectOrphansIfDue(CollectScope scope, CollectResult* result) {
  const absl::Time now = options_.clock->Now();
  const bool due = scope == CollectScope::kEverything || !orphans_collected_ ||
                   now - *orphans_collected_ >= kOrphanPeriod;
  if (!due) return absl::OkStatus();
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kDirectory, [&](const Uid& owner) {
    return CollectStrayBorrows(owner, result);
  }));
  CAIRN_RETURN_IF_ERROR(CollectOrphans(result));
  orphans_collected_ = now;
  return absl::OkStatus();
}

absl::Status Collector::CollectStrayBorrows(const Uid& owner, CollectResult* result) {
  std::vector<Uid> waiting;  // until the next search
  Uid from;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const BorrowPage page, ReadBorrowPage(options_.table, owner, from));
    for (const auto& [destination, segments] : page.by_destination) {
      CAIRN_RETURN_IF_ERROR(
          FreeBorrowed(destination, segments, /*shrink=*/false, result, &waiting));
    }
    if (page.complete) return absl::OkStatus();
    from = Successor(page.last);
  }
}

absl::Status Collector::RemoveStraySegments(std::vector<Stray> strays, absl::Time read_time,
                                            CollectResult* result) const {
  std::sort(strays.begin(), strays.end(), [](const Stray& a, const Stray& b) {
    return std::pair(a.owner, a.segment) < std::pair(b.owner, b.segment);
  });
  for (size_t i = 0; i < strays.size();) {
    const Uid owner = strays[i].owner;
    SegmentWindow window;
    for (; i < strays.size() && strays[i].owner == owner && window.size() < kWindowSegments; ++i) {
      window[strays[i].segment].owner = owner;
    }
    CAIRN_ASSIGN_OR_RETURN(SegmentJudge judge, JudgeOf(owner));
    judge.read_time = read_time;
    CAIRN_RETURN_IF_ERROR(freer_.Free(judge, window, /*shrink=*/false, result).status());
  }
  return absl::OkStatus();
}

absl::Status Collector::CollectOrphans(CollectResult* result) {
  const absl::Time read_time = options_.clock->Now();
  CAIRN_ASSIGN_OR_RETURN(UidSet named, ReadNamedManifests());
  const auto needed = [&](const Uid& manifest) {
    return named.contains(manifest) || restores_->Holds(manifest);
  };
  std::vector<Stray> strays;
  CAIRN_RETURN_IF_ERROR(options_.segments->Walk([&](const SegmentInfo& info) {
    v1::SegmentHeader header;
    if (!header.ParseFromString(info.header)) return true;  // not ours to judge
    const std::optional<Uid> manifest = Uid::FromBytes(header.manifest_uid());
    const std::optional<Uid> owner = Uid::FromBytes(header.directory_uid());
    if (owner && manifest && !needed(*manifest)) strays.push_back({*owner, info.uid, *manifest});
    return true;
  }));
  std::vector<Uid> manifests;
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kSlices, [&](const Uid& manifest) {
    if (!needed(manifest)) manifests.push_back(manifest);
    return absl::OkStatus();
  }));
  if (strays.empty() && manifests.empty()) return absl::OkStatus();

  CAIRN_ASSIGN_OR_RETURN(named, ReadNamedManifests());
  std::erase_if(strays, [&](const Stray& stray) { return needed(stray.manifest); });
  CAIRN_RETURN_IF_ERROR(RemoveStraySegments(std::move(strays), read_time, result));
  for (const Uid& manifest : manifests) {
    if (needed(manifest)) continue;
    CAIRN_RETURN_IF_ERROR(options_.table->ErasePartition(Partition::Manifest(manifest)));
    ++result->manifests;
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
