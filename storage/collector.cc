#include "storage/collector.h"

#include <map>
#include <utility>

#include "storage/checkpoints.h"
#include "storage/directory_keys.h"
#include "storage/slice_keys.h"

namespace cairn::storage {
namespace {

using v1::RequestRecord;

constexpr int kPartitionPage = 1000;

absl::Status VisitSessions(Table* table, const Directory& directory,
                           absl::FunctionRef<absl::Status(Stored<SessionRecord>)> visit) {
  const Partition partition = directory.partition();
  return VisitRows(table, partition, kSessionPrefix, PrefixEnd(kSessionPrefix),
                   [&](const Row& row) -> absl::StatusOr<bool> {
                     if (!IsSessionKey(row.key)) return true;
                     CAIRN_ASSIGN_OR_RETURN(
                         Stored<SessionRecord> session,
                         ParseRecord<SessionRecord>(partition, row.key, row.value));
                     CAIRN_RETURN_IF_ERROR(visit(std::move(session)));
                     return true;
                   });
}

absl::StatusOr<bool> ListsAnyOf(Table* table, const Uid& manifest,
                                const std::vector<Uid>& segments) {
  for (const Uid& segment : segments) {
    CAIRN_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                           table->Get(Partition::Manifest(manifest), EncodeSegmentKey(segment)));
    if (row) return true;
  }
  return false;
}

}  // namespace

absl::Status Collector::ForEachPartition(Partition::Table table,
                                         absl::FunctionRef<absl::Status(const Uid&)> visit) const {
  std::string after;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const std::vector<Partition> page,
                           options_.table->ListPartitions(table, after, kPartitionPage));
    if (page.empty()) return absl::OkStatus();
    for (const Partition& partition : page) {
      CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(partition, "", partition.id));
      CAIRN_RETURN_IF_ERROR(visit(uid));
    }
    after = page.back().id;
  }
}

absl::StatusOr<bool> Collector::HasRows(const Directory& directory,
                                        absl::string_view prefix) const {
  CAIRN_ASSIGN_OR_RETURN(const Page page, options_.table->Scan(directory.partition(), prefix,
                                                               PrefixEnd(prefix), /*max_rows=*/1));
  return !page.rows.empty();
}

absl::StatusOr<DirectoryRoots> Collector::ReadRoots(const Uid& directory) const {
  return ReadDirectoryRoots(options_.table, directory,
                            [this](const Uid& manifest) { return restores_->Holds(manifest); });
}

absl::StatusOr<SegmentJudge> Collector::JudgeOf(const Uid& owner) const {
  const absl::Time now = options_.clock->Now();
  CAIRN_ASSIGN_OR_RETURN(DirectoryRoots roots, ReadRoots(owner));
  return SegmentJudge{owner, std::move(roots.live), now};
}

absl::StatusOr<CollectResult> Collector::Run(CollectScope scope) {
  MutexLock lock(&running_);
  CollectResult result;
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kDirectory, [&](const Uid& directory) {
    return CollectDirectory(directory, &result);
  }));
  CAIRN_RETURN_IF_ERROR(catalog_->ForgetTombstones());
  CAIRN_RETURN_IF_ERROR(CollectOrphansIfDue(scope, &result));
  return result;
}

absl::Status Collector::CollectDirectory(const Uid& uid, CollectResult* result) {
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Directory> directory, catalog_->Load(uid));
  // The head is written first: without one, the partition is what an interrupted erasure left.
  if (!directory) return options_.table->ErasePartition(Partition::Directory(uid));
  if (directory->head.record.deleted()) return CollectDeleted(*directory, result);
  const absl::Time create_time = absl::FromUnixMicros(directory->head.record.create_time());
  if (options_.clock->Now() - create_time > kOrphanDirectoryGrace) {
    CAIRN_ASSIGN_OR_RETURN(const bool listed, catalog_->Lists(*directory));
    if (!listed) return options_.table->ErasePartition(directory->partition());
  }
  CAIRN_RETURN_IF_ERROR(CollectSessions(*directory, result));
  CAIRN_RETURN_IF_ERROR(ForgetRequests(*directory));
  return CollectGarbage(*directory, result);
}

absl::Status Collector::CollectSessions(const Directory& directory, CollectResult* result) {
  const absl::Time forget_before = options_.clock->Now() - kEndedKept;
  return VisitSessions(
      options_.table, directory, [&](Stored<SessionRecord> session) -> absl::Status {
        const auto is_open = [&] { return session.record.state() == SessionRecord::STATE_OPEN; };
        const bool was_open = is_open();
        CAIRN_ASSIGN_OR_RETURN(session, sessions_->ExpireIfOver(directory, std::move(session)));
        if (is_open()) return absl::OkStatus();
        if (was_open) {
          ++result->sessions;
        } else if (absl::FromUnixMicros(session.record.end_time()) < forget_before) {
          CAIRN_RETURN_IF_ERROR(ForgetSession(directory, session));
          ++result->sessions;
        }
        return absl::OkStatus();
      });
}

absl::Status Collector::ForgetSession(const Directory& directory,
                                      const Stored<SessionRecord>& session) {
  // Its writers first: the session's row leads to them.
  const std::string writers = WriterPrefix(session.record.session());
  Page page;
  do {
    CAIRN_ASSIGN_OR_RETURN(
        page, options_.table->Scan(directory.partition(), writers, PrefixEnd(writers)));
    if (page.rows.empty()) break;
    Batch batch{.partition = directory.partition(), .durability = Durability::kBuffered};
    for (Row& row : page.rows) batch.Erase(std::move(row.key));
    CAIRN_RETURN_IF_ERROR(options_.table->Write(batch).status());
  } while (!page.complete);
  const std::string key = SessionKey(session.record.session());
  Batch batch{.partition = directory.partition(), .durability = Durability::kBuffered};
  batch.RequireEqual(key, session.bytes).Erase(key);
  return options_.table->Write(batch).status();
}

absl::Status Collector::ForgetRequests(const Directory& directory) {
  const int64_t forget_before = absl::ToUnixMicros(options_.clock->Now() - kEndedKept);
  const Partition partition = directory.partition();
  return VisitRows(options_.table, partition, kRequestPrefix, PrefixEnd(kRequestPrefix),
                   [&](const Row& row) -> absl::StatusOr<bool> {
                     CAIRN_ASSIGN_OR_RETURN(
                         const Stored<RequestRecord> request,
                         ParseRecord<RequestRecord>(partition, row.key, row.value));
                     if (request.record.time() >= forget_before) return true;
                     Batch batch{.partition = partition, .durability = Durability::kBuffered};
                     batch.RequireEqual(row.key, row.value).Erase(row.key);
                     CAIRN_RETURN_IF_ERROR(options_.table->Write(batch).status());
                     return true;
                   });
}

absl::Status Collector::CollectDeleted(const Directory& directory, CollectResult* result) {
  CAIRN_RETURN_IF_ERROR(catalog_->BuryDeleted(directory));
  CAIRN_RETURN_IF_ERROR(DiscardCheckpoints(directory));
  CAIRN_RETURN_IF_ERROR(DiscardSessions(directory));
  CAIRN_RETURN_IF_ERROR(CollectGarbage(directory, result));
  // Segments that others borrow are judged by the borrows here.
  for (const absl::string_view prefix : {kGarbagePrefix, kBorrowPrefix}) {
    CAIRN_ASSIGN_OR_RETURN(const bool held, HasRows(directory, prefix));
    if (held) return absl::OkStatus();
  }
  return options_.table->ErasePartition(directory.partition());
}

absl::Status Collector::DiscardCheckpoints(const Directory& directory) {
  return VisitUidKeys(
      options_.table, directory.uid, kCheckpointPrefix, [&](const Uid& manifest) -> absl::Status {
        Batch batch{.partition = directory.partition(), .durability = Durability::kBuffered};
        batch.Erase(CheckpointKey(manifest));
        AddGarbage(manifest, options_.clock->Now(), &batch);
        return options_.table->Write(batch).status();
      });
}

absl::Status Collector::DiscardSessions(const Directory& directory) {
  return VisitOpenSessions(options_.table, directory.uid,
                           [&](const SessionRecord& session, const Uid& manifest) -> absl::Status {
                             sessions_->Forget(manifest);
                             Batch batch{.partition = directory.partition(),
                                         .durability = Durability::kBuffered};
                             batch.Erase(SessionKey(session.session()));
                             AddGarbage(manifest, options_.clock->Now(), &batch);
                             return options_.table->Write(batch).status();
                           });
}

absl::Status Collector::CollectGarbage(const Directory& directory, CollectResult* result) {
  CAIRN_ASSIGN_OR_RETURN(const bool any, HasRows(directory, kGarbagePrefix));
  if (!any) return absl::OkStatus();
  const absl::Time now = options_.clock->Now();
  CAIRN_ASSIGN_OR_RETURN(DirectoryRoots roots, ReadRoots(directory.uid));
  const SegmentJudge judge{directory.uid, std::move(roots.live), now};
  std::vector<Uid> waiting;
  std::optional<Uid> after;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const SegmentWindow window,
                           ReadSegmentWindow(options_.table, roots.dead, after));
    if (window.empty()) break;
    CAIRN_RETURN_IF_ERROR(FreeWindow(judge, window, result, &waiting));
    after = window.rbegin()->first;
  }
  for (const Uid& manifest : roots.dead) {
    CAIRN_ASSIGN_OR_RETURN(const bool waits, ListsAnyOf(options_.table, manifest, waiting));
    if (!waits) CAIRN_RETURN_IF_ERROR(EraseManifest(directory.uid, manifest, result));
  }
  return absl::OkStatus();
}

absl::Status Collector::FreeWindow(const SegmentJudge& judge, const SegmentWindow& window,
                                   CollectResult* result, std::vector<Uid>* waiting) {
  SegmentWindow own, borrowed;
  for (const auto& [segment, listed] : window) {
    (listed.owner == judge.owner ? own : borrowed).emplace(segment, listed);
  }
  CAIRN_ASSIGN_OR_RETURN(const std::vector<Uid> young,
                         freer_.Free(judge, own, /*shrink=*/true, result));
  waiting->insert(waiting->end(), young.begin(), young.end());
  return FreeBorrowed(judge.owner, borrowed, /*shrink=*/true, result, waiting);
}

absl::Status Collector::FreeBorrowed(const Uid& borrower, const SegmentWindow& window, bool shrink,
                                     CollectResult* result, std::vector<Uid>* waiting) {
  if (window.empty()) return absl::OkStatus();
  const auto held = [this](const Uid& manifest) { return restores_->Holds(manifest); };
  CAIRN_ASSIGN_OR_RETURN(const ReleasedBorrows borrows,
                         ReleaseBorrows(options_.table, options_.clock, held, borrower, window));
  waiting->insert(waiting->end(), borrows.waiting.begin(), borrows.waiting.end());
  std::map<Uid, SegmentWindow> by_owner;
  for (const Uid& segment : borrows.released) {
    const ListedSegment& listed = window.at(segment);
    by_owner[listed.owner].emplace(segment, listed);
  }
  for (const auto& [owner, segments] : by_owner) {
    CAIRN_ASSIGN_OR_RETURN(const SegmentJudge judge, JudgeOf(owner));
    CAIRN_ASSIGN_OR_RETURN(const std::vector<Uid> young,
                           freer_.Free(judge, segments, shrink, result));
    waiting->insert(waiting->end(), young.begin(), young.end());
  }
  return absl::OkStatus();
}

absl::Status Collector::EraseManifest(const Uid& directory, const Uid& manifest,
                                      CollectResult* result) {
  CAIRN_RETURN_IF_ERROR(options_.table->ErasePartition(Partition::Manifest(manifest)));
  ++result->manifests;
  Batch batch{.partition = Partition::Directory(directory), .durability = Durability::kBuffered};
  batch.Erase(GarbageKey(manifest));
  return options_.table->Write(batch).status();
}

}  // namespace cairn::storage
