#include "storage/catalog.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/key_text.h"
#include "storage/directory_keys.h"
#include "storage/directory_path.h"

namespace cairn::storage {
namespace {

using v1::CatalogRecord;

Partition ShardOf(absl::string_view path) { return Partition::Catalog(CatalogShard(path)); }

absl::Status DirectoryNotFound(absl::string_view path) {
  return MakeError(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("there is no directory ", path,
                                "; list the directories to see how it is spelled, or save into it"),
                   {{"directory", path}});
}

absl::Status DirectoryExists(absl::string_view path) {
  return MakeError(ErrorReason::ERROR_REASON_DIRECTORY_EXISTS, absl::StatusCode::kAlreadyExists,
                   absl::StrCat("cannot create ", path,
                                ": the directory is there already; use it, or take another path"),
                   {{"directory", path}});
}

absl::Status CheckUpdateCount(const Directory& directory, std::optional<int64_t> expected) {
  const int64_t found = directory.head.record.update_count();
  if (!expected || *expected == found) return absl::OkStatus();
  return MakeError(ErrorReason::ERROR_REASON_ETAG_MISMATCH, absl::StatusCode::kAborted,
                   absl::StrCat("cannot change ", directory.path(), ": it is at state ", found,
                                " and the etag is of state ", *expected,
                                "; read it, merge your change, try again"),
                   {{"directory", directory.path()}});
}

// The catalog's row for a deleted directory.
CatalogRecord Tombstone(const DirectoryHead& head, absl::Time now) {
  CatalogRecord tombstone;
  tombstone.set_delete_request_id(head.delete_request_id());
  tombstone.set_delete_time(absl::ToUnixMicros(now));
  return tombstone;
}

bool IsTombstone(const CatalogRecord& record) { return record.directory_uid().empty(); }

using PathAndUid = std::pair<std::string, Uid>;

// Appends the next `count` live rows of a shard after `after`.
absl::Status AppendPaths(Table* table, char shard, absl::string_view after, size_t count,
                         std::vector<PathAndUid>* paths) {
  const Partition partition = Partition::Catalog(shard);
  const size_t enough = paths->size() + count;
  const auto append = [&](const Row& row) -> absl::StatusOr<bool> {
    CAIRN_ASSIGN_OR_RETURN(const Stored<CatalogRecord> stored,
                           ParseRecord<CatalogRecord>(partition, row.key, row.value));
    if (IsTombstone(stored.record)) return true;
    CAIRN_ASSIGN_OR_RETURN(const Uid uid,
                           UidFromRow(partition, row.key, stored.record.directory_uid()));
    paths->emplace_back(row.key, uid);
    return paths->size() < enough;
  };
  const std::string begin = absl::StrCat(after, absl::string_view("\0", 1));
  return VisitRows(table, partition, begin, /*end=*/"", append);
}

absl::StatusOr<bool> AnySessionIsOpen(Table* table, const Partition& partition) {
  bool open = false;
  const auto look = [&](const Row& row) -> absl::StatusOr<bool> {
    if (!IsSessionKey(row.key)) return true;
    CAIRN_ASSIGN_OR_RETURN(const Stored<SessionRecord> session,
                           ParseRecord<SessionRecord>(partition, row.key, row.value));
    open = session.record.state() == SessionRecord::STATE_OPEN;
    return !open;
  };
  CAIRN_RETURN_IF_ERROR(
      VisitRows(table, partition, kSessionPrefix, PrefixEnd(kSessionPrefix), look));
  return open;
}

}  // namespace

absl::StatusOr<Catalog::CatalogRow> Catalog::ReadRow(absl::string_view path) const {
  CAIRN_RETURN_IF_ERROR(ValidateDirectory(path));
  return ReadRecord<CatalogRecord>(options_.table, ShardOf(path), path);
}

absl::StatusOr<std::optional<Directory>> Catalog::Load(const Uid& uid) const {
  CAIRN_ASSIGN_OR_RETURN(
      std::optional<Stored<DirectoryHead>> head,
      ReadRecord<DirectoryHead>(options_.table, Partition::Directory(uid), kHeadKey));
  if (!head) return std::nullopt;
  return Directory{.uid = uid, .head = *std::move(head)};
}

absl::StatusOr<std::optional<Directory>> Catalog::Follow(const CatalogRow& row) const {
  if (!row || IsTombstone(row->record)) return std::nullopt;
  CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(Partition::Catalog(0), "directory_uid",
                                                   row->record.directory_uid()));
  return Load(uid);
}

absl::StatusOr<Directory> Catalog::Find(absl::string_view path) const {
  CAIRN_ASSIGN_OR_RETURN(const CatalogRow row, ReadRow(path));
  CAIRN_ASSIGN_OR_RETURN(std::optional<Directory> directory, Follow(row));
  if (!directory || directory->head.record.deleted()) return DirectoryNotFound(path);
  return *std::move(directory);
}

absl::StatusOr<Directory> Catalog::FindOrCreate(absl::string_view path) {
  return CreateOrJoin(path, {}, /*join=*/true);
}

absl::StatusOr<DirectoryInfo> Catalog::Create(absl::string_view path,
                                              const CreateDirectoryOptions& options) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(options.request_id));
  CAIRN_RETURN_IF_ERROR(ValidateNotes(options.annotations, {}));
  CAIRN_ASSIGN_OR_RETURN(Directory directory, CreateOrJoin(path, options, /*join=*/false));
  return DirectoryInfo{.uid = directory.uid, .head = std::move(directory.head.record)};
}

absl::StatusOr<Uid> Catalog::WriteNewHead(absl::string_view path,
                                          const CreateDirectoryOptions& options) {
  const absl::Time now = options_.clock->Now();
  const Uid uid = options_.random->NextUid();
  DirectoryHead head;
  head.set_path(std::string(path));
  head.mutable_annotations()->insert(options.annotations.begin(), options.annotations.end());
  head.set_create_time(absl::ToUnixMicros(now));
  head.set_update_time(absl::ToUnixMicros(now));
  // The reference counts the age of what is preserved from a second before the first save.
  head.set_last_preserved_time(
      absl::ToUnixMicros(options.last_preserved_time.value_or(now - absl::Seconds(1))));
  head.set_create_request_id(options.request_id);
  // Buffered: the catalog's synced row comes after it.
  Batch batch{.partition = Partition::Directory(uid), .durability = Durability::kBuffered};
  batch.RequireAbsent(kHeadKey).Put(kHeadKey, head.SerializeAsString());
  CAIRN_ASSIGN_OR_RETURN(const WriteResult result, options_.table->Write(batch));
  CAIRN_CHECK(result.applied());  // a random uid is new
  return uid;
}

absl::StatusOr<Directory> Catalog::CreateOrJoin(absl::string_view path,
                                                const CreateDirectoryOptions& options, bool join) {
  const std::string what = absl::StrCat("creating directory ", path);
  std::optional<Uid> ours;
  Attempts attempts(what);
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const CatalogRow row, ReadRow(path));
    CAIRN_ASSIGN_OR_RETURN(std::optional<Directory> found, Follow(row));
    if (found && !found->head.record.deleted()) {
      const bool same_request = !options.request_id.empty() &&
                                found->head.record.create_request_id() == options.request_id;
      if (join || same_request || found->uid == ours) return *std::move(found);
      return DirectoryExists(path);
    }
    if (!ours) {
      CAIRN_ASSIGN_OR_RETURN(ours, WriteNewHead(path, options), what);
    }
    CatalogRecord record;
    record.set_directory_uid(std::string(ours->bytes()));
    Batch batch{.partition = ShardOf(path)};
    batch.conditions.push_back(
        {.key = std::string(path), .value = row ? std::optional(row->bytes) : std::nullopt});
    batch.Put(std::string(path), record.SerializeAsString());
    // Applied or not, the next look at the row tells whose directory it is. One that lost the race
    // stays behind without a catalog row, for the collector.
    CAIRN_RETURN_IF_ERROR(attempts.Write(options_.table, batch).status());
  }
  return attempts.Exhausted();
}

absl::StatusOr<DirectoryInfo> Catalog::Update(absl::string_view path,
                                              const UpdateDirectoryOptions& options) {
  if (options.annotations) CAIRN_RETURN_IF_ERROR(ValidateNotes(*options.annotations, {}));
  const std::string what = absl::StrCat("updating directory ", path);
  std::string written;
  Attempts attempts(what);
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(Directory directory, Find(path));
    DirectoryHead& head = directory.head.record;
    if (attempts.maybe_applied()) {
      // A later change hides whether ours was before it.
      if (directory.head.bytes == written) return DirectoryInfo{directory.uid, std::move(head)};
      return attempts.unknown();
    }
    CAIRN_RETURN_IF_ERROR(CheckUpdateCount(directory, options.if_update_count));
    if (options.annotations) {
      head.mutable_annotations()->clear();
      head.mutable_annotations()->insert(options.annotations->begin(), options.annotations->end());
    }
    if (options.last_preserved_time) {
      head.set_last_preserved_time(absl::ToUnixMicros(*options.last_preserved_time));
    }
    head.set_update_time(absl::ToUnixMicros(options_.clock->Now()));
    head.set_update_count(head.update_count() + 1);
    written = head.SerializeAsString();
    Batch batch{.partition = directory.partition()};
    batch.RequireEqual(kHeadKey, directory.head.bytes).Put(kHeadKey, written);
    CAIRN_ASSIGN_OR_RETURN(const bool applied, attempts.Write(options_.table, batch));
    if (applied) return DirectoryInfo{directory.uid, std::move(head)};
  }
  return attempts.Exhausted();
}

absl::Status Catalog::CheckDeletable(const Directory& directory, bool force,
                                     std::optional<int64_t> if_update_count) const {
  CAIRN_RETURN_IF_ERROR(CheckUpdateCount(directory, if_update_count));
  if (force) return absl::OkStatus();
  const int64_t checkpoints = directory.head.record.checkpoint_count();
  CAIRN_ASSIGN_OR_RETURN(const bool open, AnySessionIsOpen(options_.table, directory.partition()));
  if (checkpoints == 0 && !open) return absl::OkStatus();
  return MakeError(
      ErrorReason::ERROR_REASON_DIRECTORY_NOT_EMPTY, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot delete ", directory.path(), ": it holds ", checkpoints, " checkpoints",
                   open ? " and a save in progress" : "", "; delete them first, or use force"),
      {{"directory", directory.path()}, {"checkpoints", absl::StrCat(checkpoints)}});
}

absl::Status Catalog::Delete(absl::string_view path, bool force,
                             std::optional<int64_t> if_update_count, absl::string_view request_id) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request_id));
  const std::string what = absl::StrCat("deleting directory ", path);
  Attempts attempts(what);
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const CatalogRow row, ReadRow(path));
    CAIRN_ASSIGN_OR_RETURN(std::optional<Directory> directory, Follow(row));
    if (!directory || directory->head.record.deleted()) {
      absl::string_view deleted_by;
      if (directory) {
        deleted_by = directory->head.record.delete_request_id();
      } else if (row) {
        deleted_by = row->record.delete_request_id();
      }
      const bool same_request = !request_id.empty() && deleted_by == request_id;
      if (!same_request && !attempts.maybe_applied()) return DirectoryNotFound(path);
      return directory ? BuryDeleted(*directory) : absl::OkStatus();
    }
    CAIRN_RETURN_IF_ERROR(CheckDeletable(*directory, force, if_update_count));
    DirectoryHead& head = directory->head.record;
    head.set_deleted(true);
    head.set_delete_request_id(std::string(request_id));
    head.set_change_sequence(head.change_sequence() + 1);
    // The head first: whatever goes on in the directory requires it to be as it was.
    Batch batch{.partition = directory->partition()};
    batch.RequireEqual(kHeadKey, directory->head.bytes).Put(kHeadKey, head.SerializeAsString());
    batch.witness =
        Witness{.sequence = head.change_sequence(), .noun = absl::StrCat("the deletion of ", path)};
    CAIRN_ASSIGN_OR_RETURN(const bool applied, attempts.Write(options_.table, batch));
    if (applied) return BuryDeleted(*directory);
  }
  return attempts.Exhausted();
}

absl::StatusOr<bool> Catalog::Lists(const Directory& directory) const {
  CAIRN_ASSIGN_OR_RETURN(const CatalogRow row, ReadRow(directory.path()));
  return row && row->record.directory_uid() == directory.uid.bytes();
}

absl::Status Catalog::BuryDeleted(const Directory& deleted) {
  const std::string what = absl::StrCat("deleting directory ", deleted.path());
  Attempts attempts(what);
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const CatalogRow row, ReadRow(deleted.path()));
    if (!row || row->record.directory_uid() != deleted.uid.bytes()) return absl::OkStatus();
    Batch batch{.partition = ShardOf(deleted.path())};
    batch.RequireEqual(deleted.path(), row->bytes)
        .Put(deleted.path(),
             Tombstone(deleted.head.record, options_.clock->Now()).SerializeAsString());
    CAIRN_ASSIGN_OR_RETURN(const bool applied, attempts.Write(options_.table, batch));
    if (applied) return absl::OkStatus();
  }
  return attempts.Exhausted();
}

absl::Status Catalog::ForgetTombstones() {
  const int64_t forget_before = absl::ToUnixMicros(options_.clock->Now() - kEndedKept);
  for (int shard = 0; shard < kCatalogShards; ++shard) {
    const Partition partition = Partition::Catalog(static_cast<char>(shard));
    const auto forget = [&](const Row& row) -> absl::StatusOr<bool> {
      CAIRN_ASSIGN_OR_RETURN(const Stored<CatalogRecord> stored,
                             ParseRecord<CatalogRecord>(partition, row.key, row.value));
      if (!IsTombstone(stored.record) || stored.record.delete_time() >= forget_before) return true;
      Batch batch{.partition = partition, .durability = Durability::kBuffered};
      batch.RequireEqual(row.key, row.value).Erase(row.key);
      // A failed condition is a directory that was made anew.
      CAIRN_RETURN_IF_ERROR(options_.table->Write(batch).status());
      return true;
    };
    CAIRN_RETURN_IF_ERROR(VisitRows(options_.table, partition, /*begin=*/"", /*end=*/"", forget));
  }
  return absl::OkStatus();
}

absl::StatusOr<ListPage<DirectoryInfo>> Catalog::List(absl::string_view after,
                                                      int page_size) const {
  if (!after.empty()) CAIRN_RETURN_IF_ERROR(ValidateDirectory(after), "page_token");
  const size_t limit = std::clamp(page_size, 1, kMaxPageSize);
  std::vector<PathAndUid> paths;
  // One more than a page tells whether there is another. What cannot be on this one is dropped at
  // once.
  for (int shard = 0; shard < kCatalogShards; ++shard) {
    CAIRN_RETURN_IF_ERROR(
        AppendPaths(options_.table, static_cast<char>(shard), after, limit + 1, &paths));
    std::sort(paths.begin(), paths.end());
    if (paths.size() > limit + 1) paths.resize(limit + 1);
  }
  ListPage<DirectoryInfo> page;
  if (paths.size() > limit) {
    paths.pop_back();
    page.next = paths.back().first;
  }
  for (const auto& [path, uid] : paths) {
    CAIRN_ASSIGN_OR_RETURN(std::optional<Directory> directory, Load(uid));
    if (!directory || directory->head.record.deleted()) continue;
    page.items.push_back({.uid = uid, .head = std::move(directory->head.record)});
  }
  return page;
}

absl::Status ValidateNotes(const std::map<std::string, std::string>& annotations,
                           const std::map<std::string, double>& metrics) {
  size_t bytes = 0;
  const auto check = [&](absl::string_view field, absl::string_view name) {
    bytes += name.size();
    if (!name.empty() && KeyTextFromBytes(name) == name) return absl::OkStatus();
    return InvalidField(field, absl::StrCat("the name '", KeyTextFromBytes(name),
                                            "' is empty or not printable UTF-8; choose another"));
  };
  if (annotations.size() > kMaxAnnotations || metrics.size() > kMaxAnnotations) {
    return InvalidField(
        "annotations",
        absl::StrCat("there are ", annotations.size(), " annotations and ", metrics.size(),
                     " metrics; at most ", kMaxAnnotations, " of each are allowed"));
  }
  for (const auto& [name, text] : annotations) {
    CAIRN_RETURN_IF_ERROR(check("annotations", name));
    bytes += text.size();
  }
  for (const auto& [name, value] : metrics) CAIRN_RETURN_IF_ERROR(check("metrics", name));
  if (bytes <= kMaxAnnotationBytes) return absl::OkStatus();
  return InvalidField(
      "annotations",
      absl::StrCat("annotations and the names of metrics have ", bytes, " bytes; at most ",
                   kMaxAnnotationBytes, " are allowed: save large ones as an attachment"));
}

}  // namespace cairn::storage
