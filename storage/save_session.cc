#include "storage/save_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/checkpoints.h"
#include "storage/directory_keys.h"
#include "storage/session_base.h"
#include "storage/session_numbers.h"
#include "storage/session_settings.h"
#include "storage/slice_writer.h"

namespace cairn::storage {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

absl::Status SessionNotFound(const Directory& directory, absl::string_view session) {
  return MakeError(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND, absl::StatusCode::kNotFound,
                   absl::StrCat("there is no save session ", session, " in ", directory.path(),
                                "; sessions are kept for a day after their end; create it first"),
                   {{"directory", directory.path()}, {"session", session}});
}

// A stream that a commit keeps out.
class GuardedSliceWriter : public SliceWriter {
 public:
  GuardedSliceWriter(SessionLeases* leases, const Uid& manifest,
                     std::unique_ptr<SliceWriter> writer)
      : leases_(leases), manifest_(manifest), writer_(std::move(writer)) {}

  absl::Status Append(const SliceSpec& slice, int64_t offset,
                      absl::Span<const absl::string_view> bytes,
                      std::optional<uint32_t> crc32c) override {
    CAIRN_RETURN_IF_ERROR(leases_->Enter(manifest_));
    const absl::Status status = writer_->Append(slice, offset, bytes, crc32c);
    leases_->Leave(manifest_);
    return status;
  }

  absl::Status AppendFromBase(const SliceSpec& slice, int64_t offset, int64_t length,
                              const BaseRange& base, std::optional<uint32_t> crc32c) override {
    CAIRN_RETURN_IF_ERROR(leases_->Enter(manifest_));
    const absl::Status status = writer_->AppendFromBase(slice, offset, length, base, crc32c);
    leases_->Leave(manifest_);
    return status;
  }

  absl::Status Finish() override {
    CAIRN_RETURN_IF_ERROR(leases_->Enter(manifest_));
    const absl::Status status = writer_->Finish();
    leases_->Leave(manifest_);
    return status;
  }

  absl::Status Salvage() override {
    CAIRN_RETURN_IF_ERROR(leases_->Enter(manifest_));
    const absl::Status status = writer_->Salvage();
    leases_->Leave(manifest_);
    return status;
  }

  WriterProgress progress() const override { return writer_->progress(); }

 private:
  SessionLeases* const leases_;
  const Uid manifest_;
  const std::unique_ptr<SliceWriter> writer_;
};

}  // namespace

absl::Status SessionClosed(const SessionRecord& session, absl::string_view what) {
  const std::string name = SessionRecord::State_Name(session.state());
  const absl::string_view state = absl::StripPrefix(name, "STATE_");
  std::string message = absl::StrCat("cannot ", what, " session ", session.session(), ": it is ",
                                     absl::AsciiStrToLower(state));
  if (!session.abort_reason().empty()) absl::StrAppend(&message, " (", session.abort_reason(), ")");
  if (session.state() != SessionRecord::STATE_COMMITTED)
    absl::StrAppend(&message, "; open another and save again");
  return MakeError(ErrorReason::ERROR_REASON_SESSION_CLOSED, absl::StatusCode::kFailedPrecondition,
                   message, {{"session", session.session()}, {"state", state}});
}

bool IsOpen(const SessionRecord& session) { return session.state() == SessionRecord::STATE_OPEN; }

absl::StatusOr<Uid> ManifestOf(const Directory& directory, const SessionRecord& session) {
  return UidFromRow(directory.partition(), SessionKey(session.session()), session.manifest_uid());
}

absl::StatusOr<std::optional<SaveSessions::StoredSession>> SaveSessions::TryLoad(
    const Directory& directory, absl::string_view session) {
  CAIRN_RETURN_IF_ERROR(ValidateName("session", session));
  CAIRN_ASSIGN_OR_RETURN(
      std::optional<StoredSession> stored,
      ReadRecord<SessionRecord>(options_.table, directory.partition(), SessionKey(session)));
  if (!stored) return std::nullopt;
  CAIRN_ASSIGN_OR_RETURN(stored, ExpireIfOver(directory, *std::move(stored)));
  return stored;
}

absl::StatusOr<SaveSessions::StoredSession> SaveSessions::Load(const Directory& directory,
                                                               absl::string_view session) {
  CAIRN_ASSIGN_OR_RETURN(std::optional<StoredSession> stored, TryLoad(directory, session));
  if (!stored) return SessionNotFound(directory, session);
  return *std::move(stored);
}

absl::StatusOr<SaveSessions::StoredSession> SaveSessions::LoadOpen(const Directory& directory,
                                                                   absl::string_view session,
                                                                   absl::string_view what) {
  CAIRN_ASSIGN_OR_RETURN(StoredSession stored, Load(directory, session));
  if (!IsOpen(stored.record)) return SessionClosed(stored.record, what);
  return stored;
}

absl::StatusOr<std::vector<WriterRecord>> SaveSessions::ReadWriters(
    const Directory& directory, absl::string_view session) const {
  std::vector<WriterRecord> writers;
  const std::string prefix = WriterPrefix(session);
  CAIRN_RETURN_IF_ERROR(
      VisitRows(options_.table, directory.partition(), prefix, PrefixEnd(prefix),
                [&](const Row& row) -> absl::StatusOr<bool> {
                  CAIRN_ASSIGN_OR_RETURN(
                      Stored<WriterRecord> writer,
                      ParseRecord<WriterRecord>(directory.partition(), row.key, row.value));
                  writers.push_back(std::move(writer.record));
                  return true;
                }));
  return writers;
}

absl::StatusOr<SessionInfo> SaveSessions::Describe(const Directory& directory,
                                                   SessionRecord session) const {
  CAIRN_ASSIGN_OR_RETURN(std::vector<WriterRecord> writers,
                         ReadWriters(directory, session.session()));
  if (IsOpen(session)) session.set_expire_time(absl::ToUnixMicros(leases_.ExpireTime(session)));
  return SessionInfo{.record = std::move(session), .writers = std::move(writers)};
}

absl::StatusOr<bool> SaveSessions::End(const Directory& directory, const StoredSession& session,
                                       SessionRecord::State state, absl::string_view reason,
                                       Attempts* attempts) {
  CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(directory, session.record));
  const absl::Time now = options_.clock->Now();
  SessionRecord ended = session.record;
  ended.set_state(state);
  ended.set_end_time(absl::ToUnixMicros(now));
  ended.set_abort_reason(std::string(reason));
  const std::string key = SessionKey(ended.session());
  Batch batch{.partition = directory.partition()};
  batch.RequireEqual(key, session.bytes).Put(key, ended.SerializeAsString());
  if (ended.has_number()) batch.Erase(PromiseKey(ended.number(), ended.session()));
  AddGarbage(manifest, now, &batch);
  leases_.Forget(manifest);
  return attempts->Write(options_.table, batch);
}

absl::StatusOr<SaveSessions::StoredSession> SaveSessions::ExpireIfOver(const Directory& directory,
                                                                       StoredSession session) {
  const std::string what =
      absl::StrCat("ending session ", session.record.session(), " of ", directory.path());
  Attempts attempts(what);
  while (attempts.Next()) {
    if (!IsOpen(session.record) || !leases_.Expired(session.record)) return session;
    CAIRN_RETURN_IF_ERROR(
        End(directory, session, SessionRecord::STATE_EXPIRED, "its lease ended", &attempts)
            .status());
    CAIRN_ASSIGN_OR_RETURN(std::optional<StoredSession> now,
                           ReadRecord<SessionRecord>(options_.table, directory.partition(),
                                                     SessionKey(session.record.session())));
    if (!now) return SessionNotFound(directory, session.record.session());
    session = *std::move(now);
  }
  return attempts.Exhausted();
}

absl::StatusOr<bool> SaveSessions::WriteNew(const Directory& directory,
                                            const SessionOptions& options, Attempts* attempts) {
  const auto find_open = [&](absl::string_view id) -> absl::StatusOr<std::optional<SessionRecord>> {
    CAIRN_ASSIGN_OR_RETURN(std::optional<StoredSession> holder, TryLoad(directory, id));
    if (!holder || !IsOpen(holder->record)) return std::nullopt;
    return std::move(holder->record);
  };
  CAIRN_ASSIGN_OR_RETURN(
      const NumberChoice choice,
      ChooseNumber(options_.table, directory, options.number, options.replace, find_open),
      absl::StrCat("cannot open session ", options.session));
  const absl::Time now = options_.clock->Now();
  SessionRecord session = RecordOfSettings(options);
  session.set_manifest_uid(std::string(options_.random->NextUid().bytes()));
  session.set_state(SessionRecord::STATE_OPEN);
  session.set_number(choice.number);
  session.set_create_time(absl::ToUnixMicros(now));
  session.set_expire_time(absl::ToUnixMicros(now + options.ttl));
  DirectoryHead head = directory.head.record;
  head.set_save_counter(choice.save_counter);
  Batch batch{.partition = directory.partition()};
  if (!options.base.empty()) {
    CAIRN_ASSIGN_OR_RETURN(const Stored<CheckpointRecord> base,
                           ResolveBase(options_.table, directory, options.base),
                           absl::StrCat("cannot open session ", options.session));
    CAIRN_ASSIGN_OR_RETURN(const Uid base_uid,
                           UidFromRow(directory.partition(), kCheckpointPrefix, base.record.uid()));
    session.set_base_uid(base.record.uid());
    // From this batch on the session keeps the base, whatever happens to it.
    batch.RequireEqual(CheckpointKey(base_uid), base.bytes);
  }
  batch.RequireEqual(kHeadKey, directory.head.bytes)
      .RequireAbsent(SessionKey(options.session))
      .Put(kHeadKey, head.SerializeAsString())
      .Put(SessionKey(options.session), session.SerializeAsString())
      .Put(PromiseKey(choice.number, options.session), options.session);
  return attempts->Write(options_.table, batch);
}

absl::StatusOr<SessionInfo> SaveSessions::Create(absl::string_view path,
                                                 const SessionOptions& options) {
  CAIRN_RETURN_IF_ERROR(ValidateSessionOptions(options));
  SessionOptions named = options;
  if (named.session.empty()) named.session = options_.random->NextUid().ToHex();
  const std::string what = absl::StrCat("opening session ", named.session, " in ", path);
  Attempts attempts(what);
  MutexLock lock(locks_->Of(path));
  while (attempts.Next()) {
    // A directory that is made by this save holds no base.
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, options.base.empty()
                                                          ? catalog_->FindOrCreate(path)
                                                          : catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(std::optional<StoredSession> found, TryLoad(directory, named.session));
    if (found) {
      CAIRN_RETURN_IF_ERROR(CheckSameSettings(found->record, named));
      CAIRN_RETURN_IF_ERROR(CheckSameBase(options_.table, directory, found->record, named.base));
      return Describe(directory, std::move(found->record));
    }
    // Having been applied or not, the next look finds out, and joins.
    CAIRN_RETURN_IF_ERROR(WriteNew(directory, named, &attempts).status());
  }
  return attempts.Exhausted();
}

absl::StatusOr<SessionInfo> SaveSessions::Get(absl::string_view path, absl::string_view session) {
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(StoredSession stored, Load(directory, session));
  return Describe(directory, std::move(stored.record));
}

absl::StatusOr<ListPage<SessionInfo>> SaveSessions::List(absl::string_view path,
                                                         absl::string_view after, int page_size) {
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  if (!after.empty()) CAIRN_RETURN_IF_ERROR(ValidateName("page_token", after));
  const size_t limit = std::clamp(page_size, 1, kMaxPageSize);
  const Partition partition = directory.partition();
  ListPage<SessionInfo> page;
  std::string begin = after.empty() ? std::string(kSessionPrefix) : SessionKey(after) + '\0';
  while (true) {
    CAIRN_ASSIGN_OR_RETURN(const Page rows,
                           options_.table->Scan(partition, begin, PrefixEnd(kSessionPrefix),
                                                /*max_rows=*/1));
    if (rows.rows.empty()) return page;
    const Row& row = rows.rows.front();
    if (!IsSessionKey(row.key)) {
      // The writers of a session, which lie after it: skip them all at once.
      begin = PrefixEnd(row.key.substr(0, row.key.find('/', sizeof(kSessionPrefix) - 1) + 1));
      continue;
    }
    if (page.items.size() == limit) {
      page.next = page.items.back().record.session();
      return page;
    }
    begin = row.key + '\0';
    CAIRN_ASSIGN_OR_RETURN(StoredSession stored,
                           ParseRecord<SessionRecord>(partition, row.key, row.value));
    CAIRN_ASSIGN_OR_RETURN(stored, ExpireIfOver(directory, std::move(stored)));
    CAIRN_ASSIGN_OR_RETURN(SessionInfo info, Describe(directory, std::move(stored.record)));
    page.items.push_back(std::move(info));
  }
}

absl::StatusOr<SessionRecord> SaveSessions::RenewRow(const Directory& directory,
                                                     absl::string_view session) {
  const std::string what = absl::StrCat("renewing session ", session, " of ", directory.path());
  Attempts attempts(what);
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(StoredSession stored, LoadOpen(directory, session, "renew"));
    SessionRecord renewed = stored.record;
    renewed.set_expire_time(
        absl::ToUnixMicros(options_.clock->Now() + absl::Microseconds(renewed.ttl())));
    // Buffered: after a crash every open session lives its ttl anew.
    Batch batch{.partition = directory.partition(), .durability = Durability::kBuffered};
    batch.RequireEqual(SessionKey(session), stored.bytes)
        .Put(SessionKey(session), renewed.SerializeAsString());
    CAIRN_ASSIGN_OR_RETURN(const bool applied, attempts.Write(options_.table, batch));
    if (!applied) continue;
    leases_.Renewed(renewed);
    return renewed;
  }
  return attempts.Exhausted();
}

absl::StatusOr<SessionInfo> SaveSessions::Renew(absl::string_view path, absl::string_view session) {
  MutexLock lock(locks_->Of(path));
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(SessionRecord renewed, RenewRow(directory, session));
  return Describe(directory, std::move(renewed));
}

absl::Status SaveSessions::Touch(absl::string_view path, const SessionRecord& session) {
  const std::optional<Uid> manifest = Uid::FromBytes(session.manifest_uid());
  CAIRN_CHECK(manifest.has_value());
  if (leases_.Touch(*manifest, absl::Microseconds(session.ttl()))) return absl::OkStatus();
  // The lock keeps a session that ends meanwhile from being noted as open after it was forgotten.
  MutexLock lock(locks_->Of(path));
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  return RenewRow(directory, session.session()).status();
}

absl::StatusOr<SessionInfo> SaveSessions::Abort(absl::string_view path, absl::string_view session,
                                                absl::string_view reason) {
  if (reason.size() > kMaxReasonBytes) {
    return InvalidField("reason", absl::StrCat("has ", reason.size(), " bytes; at most ",
                                               kMaxReasonBytes, " are kept"));
  }
  const std::string what = absl::StrCat("aborting session ", session, " of ", path);
  Attempts attempts(what);
  MutexLock lock(locks_->Of(path));
  while (attempts.Next()) {
    CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
    CAIRN_ASSIGN_OR_RETURN(StoredSession stored, Load(directory, session));
    if (stored.record.state() == SessionRecord::STATE_COMMITTED) {
      return SessionClosed(stored.record, "abort");
    }
    if (!IsOpen(stored.record)) return Describe(directory, std::move(stored.record));
    CAIRN_RETURN_IF_ERROR(
        End(directory, stored, SessionRecord::STATE_ABORTED, reason, &attempts).status());
  }
  return attempts.Exhausted();
}

absl::StatusOr<std::unique_ptr<SliceWriter>> SaveSessions::NewSliceWriter(absl::string_view path,
                                                                          absl::string_view session,
                                                                          absl::string_view writer,
                                                                          bool inline_parts) {
  CAIRN_RETURN_IF_ERROR(ValidateName("writer", writer));
  CAIRN_ASSIGN_OR_RETURN(const Directory directory, catalog_->Find(path));
  CAIRN_ASSIGN_OR_RETURN(const StoredSession stored, LoadOpen(directory, session, "write into"));
  CAIRN_ASSIGN_OR_RETURN(const Uid manifest, ManifestOf(directory, stored.record));
  std::optional<Uid> base;
  if (!stored.record.base_uid().empty()) {
    CAIRN_ASSIGN_OR_RETURN(
        base, UidFromRow(directory.partition(), SessionKey(session), stored.record.base_uid()));
  }
  std::unique_ptr<SliceWriter> slices = MakeSliceWriter({
      .table = options_.table,
      .segments = options_.segments,
      .clock = options_.clock,
      .random = options_.random,
      .directory = directory.uid,
      .manifest = manifest,
      .base = base,
      .writer = std::string(writer),
      .inline_parts = inline_parts,
      .touch = [this, path = directory.path(),
                session = stored.record] { return Touch(path, session); },
  });
  return std::make_unique<GuardedSliceWriter>(&leases_, manifest, std::move(slices));
}

}  // namespace cairn::storage
