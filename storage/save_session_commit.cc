// The commit of a session: what was saved is checked at leisure, then one small batch publishes it.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/checkpoints.h"
#include "storage/coverage.h"
#include "storage/directory_keys.h"
#include "storage/save_session.h"
#include "storage/session_numbers.h"

namespace cairn::storage {
namespace {

constexpr size_t kNamedWriters = 8;  // in a message

absl::Status CheckAllSealed(const SessionRecord& session,
                            const std::vector<WriterRecord>& writers) {
  const size_t expected = session.expected_writers();
  if (writers.size() >= expected) return absl::OkStatus();
  std::vector<absl::string_view> names;
  for (const WriterRecord& writer : writers) {
    if (names.size() < kNamedWriters) names.push_back(writer.writer());
  }
  return MakeError(
      ErrorReason::ERROR_REASON_WRITERS_NOT_SEALED, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot commit session ", session.session(), ": ", writers.size(), " of ",
                   expected, " writers sealed", names.empty() ? "" : ", among them ",
                   absl::StrJoin(names, ", "), "; commit when all have"),
      {{"sealed", absl::StrCat(writers.size())}, {"expected", absl::StrCat(expected)}});
}

// `state` completes "writer 3 ...".
absl::Status CountMismatch(const SessionRecord& session, absl::string_view writer,
                           absl::string_view state, int64_t sealed, int64_t stored) {
  return MakeError(
      ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH, absl::StatusCode::kFailedPrecondition,
      absl::StrCat("cannot commit session ", session.session(), ": writer ", writer, " ", state,
                   " ", sealed, " slices and ", stored,
                   " are durable; send what is missing, seal, commit again"),
      {{"writer", writer}, {"expected", absl::StrCat(sealed)}, {"found", absl::StrCat(stored)}});
}

// A copy has one writer, and its slices name those who saved them.
absl::Status CheckCopyCount(const SessionRecord& session, const std::vector<WriterRecord>& writers,
                            const ManifestSummary& summary) {
  int64_t sealed = 0;
  for (const WriterRecord& writer : writers) sealed += writer.slice_count();
  if (sealed == summary.slice_count) return absl::OkStatus();
  return CountMismatch(session, writers.front().writer(), "sealed", sealed, summary.slice_count);
}

// What the writers sealed is what is stored, writer by writer.
absl::Status CheckCounts(const SessionRecord& session, const std::vector<WriterRecord>& writers,
                         std::map<std::string, int64_t> stored) {
  for (const WriterRecord& writer : writers) {
    const auto it = stored.find(writer.writer());
    const int64_t found = it == stored.end() ? 0 : it->second;
    if (found != writer.slice_count()) {
      return CountMismatch(session, writer.writer(), "sealed", writer.slice_count(), found);
    }
    if (it != stored.end()) stored.erase(it);
  }
  if (stored.empty()) return absl::OkStatus();
  return CountMismatch(session, stored.begin()->first, "(which never sealed) sealed", 0,
                       stored.begin()->second);
}

CheckpointRecord MakeCheckpoint(const SessionRecord& session, const ManifestSummary& summary,
                                int64_t sequence, absl::Time now) {
  CheckpointRecord checkpoint;
  checkpoint.set_uid(session.manifest_uid());
  if (session.has_number()) checkpoint.set_number(session.number());
  checkpoint.set_sequence(sequence);
  checkpoint.set_create_time(session.create_time());
  checkpoint.set_commit_time(absl::ToUnixMicros(now));
  checkpoint.set_save_time(session.save_time() != 0 ? session.save_time()
                                                    : checkpoint.commit_time());
  checkpoint.set_tensor_count(summary.tensor_count);
  checkpoint.set_attachment_count(summary.attachment_count);
  checkpoint.set_slice_count(summary.slice_count);
  checkpoint.set_logical_bytes(summary.logical_bytes);
  checkpoint.set_stored_bytes(summary.stored_bytes);
  checkpoint.set_inline_bytes(summary.inline_bytes);
  *checkpoint.mutable_annotations() = session.annotations();
  *checkpoint.mutable_metrics() = session.metrics();
  checkpoint.set_key_separator(session.key_separator());
  checkpoint.set_session(session.session());
  checkpoint.set_preserved(session.preserved());
  return checkpoint;
}

}  // namespace

absl::StatusOr<SaveSessions::StoredSession> SaveSessions::LoadForCommit(const Directory& directory,
                                                                        absl::string_view session) {
  CAIRN_ASSIGN_OR_RETURN(StoredSession stored, Load(directory, session));
  const SessionRecord::State state = stored.record.state();
  if (state == SessionRecord::STATE_OPEN || state == SessionRecord::STATE_COMMITTED) return stored;
  return SessionClosed(stored.record, "commit");
}

absl::StatusOr<Batch> SaveSessions::PublishBatch(const Directory& directory,
                                                 const StoredSession& session,
                                                 const CheckpointRecord& checkpoint) const {
  CAIRN_ASSIGN_OR_RETURN(const Uid uid, ManifestOf(directory, session.record));
  const int64_t number = checkpoint.number();
  DirectoryHead head = directory.head.record;
  head.set_change_sequence(checkpoint.sequence());
  head.set_latest_uid(checkpoint.uid());
  head.set_latest_number(number);
  head.set_checkpoint_count(head.checkpoint_count() + 1);

  SessionRecord committed = session.record;
  committed.set_state(SessionRecord::STATE_COMMITTED);
  committed.set_end_time(checkpoint.commit_time());
  *committed.mutable_checkpoint() = checkpoint;

  const std::string session_key = SessionKey(committed.session());
  Batch batch{.partition = directory.partition()};
  batch.RequireEqual(kHeadKey, directory.head.bytes).RequireEqual(session_key, session.bytes);
  CAIRN_ASSIGN_OR_RETURN(const std::optional<Uid> taken,
                         ReadUid(options_.table, directory.partition(), NumberKey(number)));
  if (taken) {
    if (!committed.replace()) return NumberTaken(directory, number, "is in use");
    CAIRN_ASSIGN_OR_RETURN(const std::optional<Stored<CheckpointRecord>> replaced,
                           ReadCheckpoint(options_.table, directory, *taken));
    if (replaced) {  // else it was deleted meanwhile, and the head's condition fails
      CAIRN_RETURN_IF_ERROR(CheckUnprotected(directory, replaced->record, "replace"));
      AddRemoval(*replaced, absl::FromUnixMicros(checkpoint.commit_time()), &batch);
      head.set_checkpoint_count(head.checkpoint_count() - 1);
    }
  }
  batch.Put(kHeadKey, head.SerializeAsString())
      .Put(session_key, committed.SerializeAsString())
      .Put(CheckpointKey(uid), checkpoint.SerializeAsString())
      .Put(NumberKey(number), checkpoint.uid())
      .Put(OrderKey(checkpoint.sequence()), checkpoint.uid())
      .Erase(PromiseKey(number, committed.session()));
  return batch;
}

absl::StatusOr<CheckpointRecord> SaveSessions::Publish(absl::string_view path,
                                                       absl::string_view session,
                                                       const ManifestSummary& summary) {
  const std::string what = absl::StrCat("committing session ", session, " of ", path);
  Attempts attempts(what);
  MutexLock lock(locks_->Of(path));
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(const StoredSession stored, LoadForCommit(directory, session));
    if (stored.record.state() == SessionRecord::STATE_COMMITTED) {
      CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(directory, stored.record));
      leases_.Forget(manifest);
      return stored.record.checkpoint();
    }
    const CheckpointRecord checkpoint = MakeCheckpoint(
        stored.record, summary, directory.head.record.change_sequence() + 1, options_.clock->Now());
    CAIRN_ASSIGN_OR_RETURN(Batch batch, PublishBatch(directory, stored, checkpoint),
                           absl::StrCat("cannot commit session ", session));
    batch.witness = Witness{.sequence = checkpoint.sequence(),
                            .noun = NameOf(directory, checkpoint),
                            .rows = summary.row_count,
                            .rows_xxh3 = summary.rows_xxh3};
    // The next look finds it committed, if it was.
    CAIRN_RETURN_IF_ERROR(attempts.Write(options_.table, batch).status());
  }
  return attempts.Exhausted();
}

absl::StatusOr<CheckpointRecord> SaveSessions::CheckAndPublish(const Directory& directory,
                                                               const StoredSession& stored,
                                                               const Uid& manifest) {
  const std::string& session = stored.record.session();
  CAIRN_ASSIGN_OR_RETURN(const std::vector<WriterRecord> writers, ReadWriters(directory, session));
  CAIRN_RETURN_IF_ERROR(CheckAllSealed(stored.record, writers));
  CAIRN_ASSIGN_OR_RETURN(const ManifestSummary summary, CheckCoverage(options_.table, manifest),
                         absl::StrCat("cannot commit session ", session));
  CAIRN_RETURN_IF_ERROR(stored.record.has_copy()
                            ? CheckCopyCount(stored.record, writers, summary)
                            : CheckCounts(stored.record, writers, summary.slices_by_writer));
  CAIRN_RETURN_IF_ERROR(WriteManifestEnd(options_.table, manifest, summary),
                        absl::StrCat("committing session ", session));
  return Publish(directory.path(), session, summary);
}

absl::StatusOr<CheckpointRecord> SaveSessions::Commit(absl::string_view path,
                                                      absl::string_view session) {
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(const StoredSession before, Load(directory, session));
  CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(directory, before.record));
  // From here on nobody writes slices, and the lease does not end.
  const SessionLeases::Committing committing(&leases_, manifest);
  CAIRN_ASSIGN_OR_RETURN(const StoredSession stored, LoadForCommit(directory, session));
  if (stored.record.state() == SessionRecord::STATE_COMMITTED) return stored.record.checkpoint();
  absl::StatusOr<CheckpointRecord> result = CheckAndPublish(directory, stored, manifest);
  // What is missing can be sent, however long it took to find out.
  if (!result.ok()) Touch(path, stored.record).IgnoreError();
  return result;
}

}  // namespace cairn::storage
