// The seal of a writer: its row, a count in the session's, and the commit when it was the last.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/directory_keys.h"
#include "storage/save_session.h"
#include "storage/session_settings.h"

namespace cairn::storage {
namespace {

bool CommitsNow(const SessionRecord& session) {
  return IsOpen(session) && session.commit_when_sealed() &&
         session.sealed_writers() >= session.expected_writers();
}

// Whether a seal that was written before is answered as it was then.
bool AnswersRepeats(const SessionRecord& session) {
  return IsOpen(session) ||
         (session.commit_when_sealed() && session.state() == SessionRecord::STATE_COMMITTED);
}

}  // namespace

absl::StatusOr<SessionInfo> SaveSessions::WriteSeal(absl::string_view path,
                                                    absl::string_view session,
                                                    const WriterRecord& writer) {
  const std::string what = absl::StrCat("sealing session ", session, " of ", path);
  const std::string writer_key = WriterKey(session, writer.writer());
  Attempts attempts(what);
  MutexLock lock(locks_->Of(path));
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(StoredSession stored, Load(directory, session));
    CAIRN_ASSIGN_OR_RETURN(
        std::optional<Stored<WriterRecord>> before,
        ReadRecord<WriterRecord>(options_.table, directory.partition(), writer_key));
    if (before && before->record.slice_count() == writer.slice_count() &&
        AnswersRepeats(stored.record)) {
      if (IsOpen(stored.record)) {
        stored.record.set_expire_time(absl::ToUnixMicros(leases_.ExpireTime(stored.record)));
      }
      return SessionInfo{.record = std::move(stored.record), .writers = {before->record}};
    }
    if (!IsOpen(stored.record)) return SessionClosed(stored.record, "seal");
    SessionRecord sealed = stored.record;
    if (!before) {
      if (sealed.sealed_writers() >= kMaxExpectedWriters) {
        return InvalidField("writer", absl::StrCat(sealed.sealed_writers(),
                                                   " others sealed this session, as many as may"));
      }
      sealed.set_sealed_writers(sealed.sealed_writers() + 1);
    }
    const std::string session_key = SessionKey(session);
    Batch batch{.partition = directory.partition()};
    batch.RequireEqual(session_key, stored.bytes)
        .Put(session_key, sealed.SerializeAsString())
        .Put(writer_key, writer.SerializeAsString());
    // The next look finds it sealed, if it was.
    CAIRN_RETURN_IF_ERROR(attempts.Write(options_.table, batch).status());
  }
  return attempts.Exhausted();
}

absl::StatusOr<SessionInfo> SaveSessions::Seal(absl::string_view path, absl::string_view session,
                                               absl::string_view writer, int64_t slice_count) {
  CAIRN_RETURN_IF_ERROR(ValidateName("writer", writer));
  if (slice_count < 0) {
    return InvalidField("slice_count",
                        absl::StrCat("is ", slice_count, "; counts are 0 or greater"));
  }
  WriterRecord record;
  record.set_writer(std::string(writer));
  record.set_slice_count(slice_count);
  record.set_seal_time(absl::ToUnixMicros(options_.clock->Now()));
  CAIRN_ASSIGN_OR_RETURN(SessionInfo sealed, WriteSeal(path, session, record));
  if (!CommitsNow(sealed.record)) return sealed;
  CAIRN_RETURN_IF_ERROR(Commit(path, session).status());
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(StoredSession committed, Load(directory, session));
  sealed.record = std::move(committed.record);
  return sealed;
}

}  // namespace cairn::storage
