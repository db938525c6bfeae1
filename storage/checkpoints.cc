#include "storage/checkpoints.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/directory_keys.h"

namespace cairn::storage {
namespace {

using v1::GarbageRecord;
using v1::RequestRecord;

constexpr absl::string_view kDeleteMethod = "DeleteCheckpoint";

// Hash of a deletion's request, so that its id cannot stand for another one.
uint64_t Fingerprint(absl::string_view reference) {
  const std::string request = absl::StrCat(kDeleteMethod, "\n", reference);
  return XXH3_64bits(request.data(), request.size());
}

// The answer that this request got before; nullopt: none. Errors: kInvalidArgument (another
// request's id).
absl::StatusOr<std::optional<CheckpointRecord>> EarlierAnswer(Table* table,
                                                              const Directory& directory,
                                                              absl::string_view request_id,
                                                              absl::string_view reference) {
  if (request_id.empty()) return std::nullopt;
  CAIRN_ASSIGN_OR_RETURN(
      std::optional<Stored<RequestRecord>> request,
      ReadRecord<RequestRecord>(table, directory.partition(), RequestKey(request_id)));
  if (!request) return std::nullopt;
  if (request->record.fingerprint() != Fingerprint(reference)) {
    return InvalidField("request_id",
                        absl::StrCat("'", request_id, "' was used for another request on ",
                                     directory.path(), "; choose a new one"));
  }
  return std::move(*request->record.mutable_checkpoint());
}

// Where a list goes on: the sequence or number of the item before.
absl::StatusOr<std::optional<int64_t>> ParseCursor(absl::string_view after) {
  int64_t cursor = 0;
  if (after.empty()) return std::nullopt;
  if (absl::SimpleAtoi(after, &cursor) && cursor >= 0) return cursor;
  return InvalidField("page_token", "is none that this list gave; leave it out to begin again");
}

// The next rows of one of the four orders; at most `count`.
absl::StatusOr<std::vector<Row>> ScanOrder(Table* table, const Partition& partition,
                                           CheckpointOrder order, std::optional<int64_t> after,
                                           int count) {
  const auto ascending = [&](absl::string_view prefix,
                             std::string after_key) -> absl::StatusOr<std::vector<Row>> {
    std::vector<Row> rows;
    const std::string begin = after ? std::move(after_key) + '\0' : std::string(prefix);
    CAIRN_RETURN_IF_ERROR(
        VisitRows(table, partition, begin, PrefixEnd(prefix), [&](const Row& row) {
          rows.push_back(row);
          return rows.size() < static_cast<size_t>(count);
        }));
    return rows;
  };
  const auto descending = [&](absl::string_view prefix, uint64_t below) {
    return ScanDescending(table, partition, prefix, after ? std::optional(below) : std::nullopt,
                          count);
  };
  const int64_t cursor = after.value_or(0);
  switch (order) {
    case CheckpointOrder::kCommit:  // the rows' keys hold the inverted sequence
      return descending(kOrderPrefix, ~static_cast<uint64_t>(cursor));
    case CheckpointOrder::kCommitDescending:
      return ascending(kOrderPrefix, OrderKey(cursor));
    case CheckpointOrder::kNumber:
      return ascending(kNumberPrefix, NumberKey(cursor));
    case CheckpointOrder::kNumberDescending:
      return descending(kNumberPrefix, cursor);
  }
  return InvalidField("order_by", "is none of commit, commit desc, number, number desc");
}

// What ParseCursor reads back.
std::string CursorOf(CheckpointOrder order, const Row& row) {
  const uint64_t value = BigEndianSuffix(row.key);
  const bool by_commit =
      order == CheckpointOrder::kCommit || order == CheckpointOrder::kCommitDescending;
  return absl::StrCat(by_commit ? ~value : value);
}

}  // namespace

absl::Status CheckpointNotFound(const Directory& directory, absl::string_view reference) {
  const bool latest = reference.empty() || reference == "latest";
  const std::string message =
      latest ? absl::StrCat("there is no checkpoint in ", directory.path(), " yet; save one first")
             : absl::StrCat("there is no checkpoint ", directory.path(), "@", reference,
                            "; list the directory's checkpoints to see which there are");
  return MakeError(
      ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND, absl::StatusCode::kNotFound, message,
      {{"directory", directory.path()}, {"checkpoint", latest ? "latest" : reference}});
}

absl::StatusOr<std::optional<Stored<CheckpointRecord>>> ReadCheckpoint(Table* table,
                                                                       const Directory& directory,
                                                                       const Uid& checkpoint) {
  return ReadRecord<CheckpointRecord>(table, directory.partition(), CheckpointKey(checkpoint));
}

std::string NameOf(const Directory& directory, const CheckpointRecord& checkpoint) {
  if (checkpoint.has_number()) return absl::StrCat(directory.path(), "@", checkpoint.number());
  return absl::StrCat(directory.path(),
                      "@uid:", Uid::FromBytes(checkpoint.uid()).value_or(Uid()).ToHex());
}

absl::Status CheckUnprotected(const Directory& directory, const CheckpointRecord& checkpoint,
                              absl::string_view what) {
  if (checkpoint.tags().empty()) return absl::OkStatus();
  const std::string name = NameOf(directory, checkpoint);
  return MakeError(
      ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot ", what, " ", name, ": it is tagged ",
                   absl::StrJoin(checkpoint.tags(), ", "), "; take the tags away first"),
      {{"checkpoint", name}});
}

void AddGarbage(const Uid& manifest, absl::Time now, Batch* batch) {
  GarbageRecord garbage;
  garbage.set_time(absl::ToUnixMicros(now));
  batch->Put(GarbageKey(manifest), garbage.SerializeAsString());
}

void AddRemoval(const Stored<CheckpointRecord>& checkpoint, absl::Time now, Batch* batch) {
  const CheckpointRecord& record = checkpoint.record;
  const std::optional<Uid> uid = Uid::FromBytes(record.uid());
  CAIRN_CHECK(uid.has_value());
  batch->RequireEqual(CheckpointKey(*uid), checkpoint.bytes).Erase(CheckpointKey(*uid));
  if (record.has_number()) batch->Erase(OrderKey(record.sequence()));
  AddGarbage(*uid, now, batch);
}

absl::StatusOr<std::optional<Stored<CheckpointRecord>>> ResolveReference(
    Table* table, const Directory& directory, const Reference& reference) {
  const Partition partition = directory.partition();
  std::optional<Uid> uid;
  if (std::holds_alternative<LatestReference>(reference)) {
    const std::string& latest = directory.head.record.latest_uid();
    if (latest.empty()) return std::nullopt;
    CAIRN_ASSIGN_OR_RETURN(uid, UidFromRow(partition, kHeadKey, latest));
  } else if (const int64_t* number = std::get_if<int64_t>(&reference)) {
    CAIRN_ASSIGN_OR_RETURN(uid, ReadUid(table, partition, NumberKey(*number)));
  } else if (const TagReference* tag = std::get_if<TagReference>(&reference)) {
    CAIRN_ASSIGN_OR_RETURN(uid, ReadUid(table, partition, TagKey(tag->tag)));
  } else {
    uid = std::get<Uid>(reference);
  }
  if (!uid) return std::nullopt;
  return ReadCheckpoint(table, directory, *uid);
}

absl::StatusOr<CheckpointRecord> Checkpoints::Get(absl::string_view path,
                                                  absl::string_view reference) const {
  CAIRN_ASSIGN_OR_RETURN(const Reference parsed, ParseReference(reference));
  // A name may lead to a checkpoint that is replaced between the two reads. When nothing published
  // in between, there is none.
  std::optional<int64_t> seen;
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<CheckpointRecord>> checkpoint,
                           ResolveReference(options_.table, directory, parsed));
    if (checkpoint) return std::move(checkpoint->record);
    const int64_t sequence = directory.head.record.change_sequence();
    if (seen == sequence) return CheckpointNotFound(directory, reference);
    seen = sequence;
  }
}

absl::StatusOr<ListPage<CheckpointRecord>> Checkpoints::List(absl::string_view path,
                                                             CheckpointOrder order,
                                                             absl::string_view after,
                                                             int page_size) const {
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(const std::optional<int64_t> cursor, ParseCursor(after));
  const int limit = std::clamp(page_size, 1, kMaxPageSize);
  const Partition partition = directory.partition();
  // One more than a page tells whether there is another.
  CAIRN_ASSIGN_OR_RETURN(std::vector<Row> rows,
                         ScanOrder(options_.table, partition, order, cursor, limit + 1));
  ListPage<CheckpointRecord> page;
  if (rows.size() > static_cast<size_t>(limit)) {
    rows.resize(limit);
    page.next = CursorOf(order, rows.back());
  }
  for (const Row& row : rows) {
    CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(partition, row.key, row.value));
    CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<CheckpointRecord>> checkpoint,
                           ReadCheckpoint(options_.table, directory, uid));
    if (checkpoint) page.items.push_back(std::move(checkpoint->record));  // else deleted meanwhile
  }
  return page;
}

absl::Status Checkpoints::UpdateHead(const Directory& directory, const CheckpointRecord& deleted,
                                     DirectoryHead* head) const {
  head->set_change_sequence(head->change_sequence() + 1);
  head->set_checkpoint_count(head->checkpoint_count() - 1);
  if (head->latest_uid() != deleted.uid()) return absl::OkStatus();
  head->clear_latest_uid();
  head->clear_latest_number();
  // Of the two newest, the one that stays.
  CAIRN_ASSIGN_OR_RETURN(const Page newest,
                         options_.table->Scan(directory.partition(), kOrderPrefix,
                                              PrefixEnd(kOrderPrefix), /*max_rows=*/2));
  for (const Row& row : newest.rows) {
    if (row.value == deleted.uid()) continue;
    CAIRN_ASSIGN_OR_RETURN(const Uid uid, UidFromRow(directory.partition(), row.key, row.value));
    CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<CheckpointRecord>> latest,
                           ReadCheckpoint(options_.table, directory, uid));
    if (!latest) continue;  // then the head has changed too, and the batch fails
    head->set_latest_uid(row.value);
    head->set_latest_number(latest->record.number());
    break;
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckpointRecord> Checkpoints::Delete(absl::string_view path,
                                                     absl::string_view reference,
                                                     absl::string_view request_id) {
  CAIRN_RETURN_IF_ERROR(ValidateRequestId(request_id));
  CAIRN_ASSIGN_OR_RETURN(const Reference parsed, ParseReference(reference));
  if (!std::holds_alternative<int64_t>(parsed) && !std::holds_alternative<Uid>(parsed)) {
    return InvalidField(
        "checkpoint", absl::StrCat("'", reference, "' may mean another checkpoint by the time it ",
                                   "is deleted; name it by its number or uid:<32 hex digits>"));
  }
  const std::string what = absl::StrCat("deleting ", path, "@", reference);
  std::optional<Stored<CheckpointRecord>> target;
  Attempts attempts(what);
  MutexLock lock(locks_->Of(path));
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(std::optional<CheckpointRecord> answer,
                           EarlierAnswer(options_.table, directory, request_id, reference));
    if (answer) return *std::move(answer);
    // Once chosen it stays the target: its number may be another's by the next attempt.
    const Reference name = target ? Reference(*Uid::FromBytes(target->record.uid())) : parsed;
    CAIRN_ASSIGN_OR_RETURN(std::optional<Stored<CheckpointRecord>> found,
                           ResolveReference(options_.table, directory, name));
    if (!found) {
      if (attempts.maybe_applied()) return std::move(target->record);
      return CheckpointNotFound(directory, reference);
    }
    target = std::move(found);
    CAIRN_RETURN_IF_ERROR(CheckUnprotected(directory, target->record, "delete"));

    const absl::Time now = options_.clock->Now();
    DirectoryHead head = directory.head.record;
    CAIRN_RETURN_IF_ERROR(UpdateHead(directory, target->record, &head));
    Batch batch{.partition = directory.partition()};
    batch.RequireEqual(kHeadKey, directory.head.bytes).Put(kHeadKey, head.SerializeAsString());
    batch.witness =
        Witness{.sequence = head.change_sequence(),
                .noun = absl::StrCat("the deletion of ", NameOf(directory, target->record))};
    AddRemoval(*target, now, &batch);
    if (target->record.has_number()) batch.Erase(NumberKey(target->record.number()));
    if (!request_id.empty()) {
      RequestRecord request;
      request.set_method(std::string(kDeleteMethod));
      request.set_fingerprint(Fingerprint(reference));
      *request.mutable_checkpoint() = target->record;
      request.set_time(absl::ToUnixMicros(now));
      batch.Put(RequestKey(request_id), request.SerializeAsString());
    }
    CAIRN_ASSIGN_OR_RETURN(const bool applied, attempts.Write(options_.table, batch));
    if (applied) return std::move(target->record);
  }
  return attempts.Exhausted();
}

}  // namespace cairn::storage
