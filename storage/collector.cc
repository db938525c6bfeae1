#include "storage/collector.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/directory_keys.h"
#include "storage/manifest.h"

namespace cairn::storage {
namespace {

using v1::RequestRecord;
using v1::SegmentHeader;

constexpr int kPartitionPage = 1000;

// Visits the manifests that rows "<prefix><uid>" name.
absl::Status VisitUidKeys(Table* table, const Directory& directory, absl::string_view prefix,
                          absl::FunctionRef<absl::Status(const Uid&)> visit) {
  return VisitRows(table, directory.partition(), prefix, PrefixEnd(prefix),
                   [&](const Row& row) -> absl::StatusOr<bool> {
                     CAIRN_ASSIGN_OR_RETURN(
                         const Uid uid,
                         UidFromRow(directory.partition(), row.key, row.key.substr(prefix.size())));
                     CAIRN_RETURN_IF_ERROR(visit(uid));
                     return true;
                   });
}

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

absl::StatusOr<CollectResult> Collector::Run() {
  MutexLock lock(&running_);
  CollectResult result;
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kDirectory, [&](const Uid& directory) {
    return CollectDirectory(directory, &result);
  }));
  CAIRN_RETURN_IF_ERROR(catalog_->ForgetTombstones());
  CAIRN_RETURN_IF_ERROR(CollectOrphansIfDue(&result));
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
        const bool was_open = IsOpen(session.record);
        CAIRN_ASSIGN_OR_RETURN(session, sessions_->ExpireIfOver(directory, std::move(session)));
        if (IsOpen(session.record)) return absl::OkStatus();
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

absl::Status Collector::FreeManifest(const Uid& manifest, CollectResult* result) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<Uid> segments, SegmentsOf(options_.table, manifest));
  CAIRN_RETURN_IF_ERROR(options_.segments->Remove(segments));
  CAIRN_RETURN_IF_ERROR(options_.table->ErasePartition(Partition::Manifest(manifest)));
  result->segments += static_cast<int64_t>(segments.size());
  ++result->manifests;
  return absl::OkStatus();
}

absl::Status Collector::CollectGarbage(const Directory& directory, CollectResult* result) {
  return VisitUidKeys(
      options_.table, directory, kGarbagePrefix, [&](const Uid& manifest) -> absl::Status {
        if (restores_->Holds(manifest)) return absl::OkStatus();
        CAIRN_RETURN_IF_ERROR(FreeManifest(manifest, result));
        Batch batch{.partition = directory.partition(), .durability = Durability::kBuffered};
        batch.Erase(GarbageKey(manifest));
        return options_.table->Write(batch).status();
      });
}

absl::Status Collector::CollectDeleted(const Directory& directory, CollectResult* result) {
  bool held = false;
  const auto free = [&](const Uid& manifest) -> absl::Status {
    sessions_->Forget(manifest);
    if (!restores_->Holds(manifest)) return FreeManifest(manifest, result);
    held = true;
    return absl::OkStatus();
  };
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(options_.table, directory, kCheckpointPrefix, free));
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(options_.table, directory, kGarbagePrefix, free));
  CAIRN_RETURN_IF_ERROR(VisitSessions(
      options_.table, directory, [&](const Stored<SessionRecord>& session) -> absl::Status {
        if (!IsOpen(session.record)) return absl::OkStatus();
        CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(directory, session.record));
        return free(manifest);
      }));
  if (held) return absl::OkStatus();
  CAIRN_RETURN_IF_ERROR(catalog_->BuryDeleted(directory));
  return options_.table->ErasePartition(directory.partition());
}

absl::Status Collector::AddRoots(const Uid& uid, UidSet* roots) const {
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Directory> directory, catalog_->Load(uid));
  if (!directory || directory->head.record.deleted()) return absl::OkStatus();
  const auto add = [&](const Uid& manifest) {
    roots->insert(manifest);
    return absl::OkStatus();
  };
  // In the order in which a manifest goes from one to the other, so that none slips through.
  CAIRN_RETURN_IF_ERROR(VisitSessions(
      options_.table, *directory, [&](const Stored<SessionRecord>& session) -> absl::Status {
        if (!IsOpen(session.record)) return absl::OkStatus();
        CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(*directory, session.record));
        return add(manifest);
      }));
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(options_.table, *directory, kCheckpointPrefix, add));
  return VisitUidKeys(options_.table, *directory, kGarbagePrefix, add);
}

absl::StatusOr<Collector::UidSet> Collector::ReadRoots() const {
  UidSet roots;
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kDirectory, [&](const Uid& directory) {
    return AddRoots(directory, &roots);
  }));
  return roots;
}

absl::Status Collector::CollectOrphansIfDue(CollectResult* result) {
  const absl::Time now = options_.clock->Now();
  if (orphans_collected_ && now - *orphans_collected_ < kOrphanPeriod) return absl::OkStatus();
  CAIRN_RETURN_IF_ERROR(CollectOrphans(result));
  orphans_collected_ = now;
  return absl::OkStatus();
}

absl::Status Collector::CollectOrphans(CollectResult* result) {
  CAIRN_ASSIGN_OR_RETURN(UidSet roots, ReadRoots());
  const auto needed = [&](const Uid& manifest) {
    return roots.contains(manifest) || restores_->Holds(manifest);
  };
  std::vector<std::pair<Uid, Uid>> segments;  // and their manifests
  CAIRN_RETURN_IF_ERROR(options_.segments->Walk([&](const SegmentInfo& info) {
    SegmentHeader header;
    if (!header.ParseFromString(info.header)) return true;  // not ours to judge
    const std::optional<Uid> manifest = Uid::FromBytes(header.manifest_uid());
    if (manifest && !needed(*manifest)) segments.emplace_back(info.uid, *manifest);
    return true;
  }));
  std::vector<Uid> manifests;
  CAIRN_RETURN_IF_ERROR(ForEachPartition(Partition::Table::kSlices, [&](const Uid& manifest) {
    if (!needed(manifest)) manifests.push_back(manifest);
    return absl::OkStatus();
  }));
  if (segments.empty() && manifests.empty()) return absl::OkStatus();

  CAIRN_ASSIGN_OR_RETURN(roots, ReadRoots());
  for (const auto& [segment, manifest] : segments) {
    if (needed(manifest)) continue;
    CAIRN_RETURN_IF_ERROR(options_.segments->Remove({&segment, 1}));
    ++result->segments;
  }
  for (const Uid& manifest : manifests) {
    if (needed(manifest)) continue;
    CAIRN_RETURN_IF_ERROR(options_.table->ErasePartition(Partition::Manifest(manifest)));
    ++result->manifests;
  }
  return absl::OkStatus();
}

}  // namespace cairn::storage
