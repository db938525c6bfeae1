#include "storage/directory_roots.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "base/error.h"
#include "storage/directory_keys.h"
#include "storage/record_rows.h"

namespace cairn::storage {
namespace {

using UidSet = absl::flat_hash_set<Uid>;

}  // namespace

absl::Status VisitUidKeys(Table* table, const Uid& directory, absl::string_view prefix,
                          absl::FunctionRef<absl::Status(const Uid&)> visit) {
  const Partition partition = Partition::Directory(directory);
  return VisitRows(
      table, partition, prefix, PrefixEnd(prefix), [&](const Row& row) -> absl::StatusOr<bool> {
        CAIRN_ASSIGN_OR_RETURN(const Uid uid,
                               UidFromRow(partition, row.key, row.key.substr(prefix.size())));
        CAIRN_RETURN_IF_ERROR(visit(uid));
        return true;
      });
}

absl::Status VisitOpenSessions(
    Table* table, const Uid& directory,
    absl::FunctionRef<absl::Status(const SessionRecord& session, const Uid& manifest)> visit) {
  const Partition partition = Partition::Directory(directory);
  return VisitRows(
      table, partition, kSessionPrefix, PrefixEnd(kSessionPrefix),
      [&](const Row& row) -> absl::StatusOr<bool> {
        if (!IsSessionKey(row.key)) return true;
        CAIRN_ASSIGN_OR_RETURN(const Stored<SessionRecord> session,
                               ParseRecord<SessionRecord>(partition, row.key, row.value));
        if (session.record.state() != SessionRecord::STATE_OPEN) return true;
        CAIRN_ASSIGN_OR_RETURN(const Uid manifest,
                               UidFromRow(partition, row.key, session.record.manifest_uid()));
        CAIRN_RETURN_IF_ERROR(visit(session.record, manifest));
        return true;
      });
}

absl::StatusOr<DirectoryRoots> ReadDirectoryRoots(Table* table, const Uid& directory,
                                                  absl::FunctionRef<bool(const Uid&)> held) {
  const Partition partition = Partition::Directory(directory);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<DirectoryHead>> head,
                         ReadRecord<DirectoryHead>(table, partition, kHeadKey));
  const bool deleted = !head || head->record.deleted();
  DirectoryRoots roots;
  UidSet live, garbage;
  const auto add_to = [](UidSet* set) {
    return [set](const Uid& uid) { return set->insert(uid), absl::OkStatus(); };
  };
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(table, directory, kGarbagePrefix, add_to(&garbage)));
  UidSet named;
  CAIRN_RETURN_IF_ERROR(VisitOpenSessions(
      table, directory, [&](const SessionRecord& session, const Uid& manifest) -> absl::Status {
        named.insert(manifest);
        if (!deleted) {
          roots.oldest_session =
              std::min(roots.oldest_session, absl::FromUnixMicros(session.create_time()));
        }
        if (session.base_uid().empty()) return absl::OkStatus();
        CAIRN_ASSIGN_OR_RETURN(const Uid base, UidFromRow(partition, SessionKey(session.session()),
                                                          session.base_uid()));
        named.insert(base);
        return absl::OkStatus();
      }));
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(table, directory, kCheckpointPrefix, add_to(&named)));
  // What became garbage meanwhile may have been read as nothing else.
  UidSet later;
  CAIRN_RETURN_IF_ERROR(VisitUidKeys(table, directory, kGarbagePrefix, add_to(&later)));
  for (const Uid& uid : later) {
    if (!garbage.contains(uid)) live.insert(uid);
  }
  for (const Uid& uid : named) {
    if (!deleted || held(uid)) live.insert(uid);
  }
  for (const Uid& uid : garbage) {
    if (held(uid)) live.insert(uid);
    if (!live.contains(uid)) roots.dead.push_back(uid);
  }
  roots.live.assign(live.begin(), live.end());
  std::sort(roots.live.begin(), roots.live.end());
  std::sort(roots.dead.begin(), roots.dead.end());
  return roots;
}

}  // namespace cairn::storage
