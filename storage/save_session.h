// Save sessions: opened, filled by writers, sealed, committed or ended otherwise.
#ifndef CAIRN_STORAGE_SAVE_SESSION_H_
#define CAIRN_STORAGE_SAVE_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/catalog.h"
#include "storage/directory_locks.h"
#include "storage/manifest.h"
#include "storage/record_rows.h"
#include "storage/session_leases.h"
#include "storage/store.h"

namespace cairn::storage {

// Thread-safe. The engines in the options, the catalog and the locks are not owned and outlive this
// and the writers it makes, as does this the writers.
class SaveSessions {
 public:
  SaveSessions(const StoreOptions& options, Catalog* catalog, DirectoryLocks* locks)
      : options_(options), catalog_(catalog), locks_(locks), leases_(options.clock) {}

  // As the Store's methods of the same names.
  absl::StatusOr<SessionInfo> Create(absl::string_view path, const SessionOptions& options);
  absl::StatusOr<SessionInfo> Get(absl::string_view path, absl::string_view session);
  absl::StatusOr<ListPage<SessionInfo>> List(absl::string_view path, absl::string_view after,
                                             int page_size);
  absl::StatusOr<SessionInfo> Renew(absl::string_view path, absl::string_view session);
  absl::StatusOr<SessionInfo> Seal(absl::string_view path, absl::string_view session,
                                   absl::string_view writer, int64_t slice_count);
  absl::StatusOr<CheckpointRecord> Commit(absl::string_view path, absl::string_view session);
  absl::StatusOr<SessionInfo> Abort(absl::string_view path, absl::string_view session,
                                    absl::string_view reason);
  absl::StatusOr<std::unique_ptr<SliceWriter>> NewSliceWriter(absl::string_view path,
                                                              absl::string_view session,
                                                              absl::string_view writer,
                                                              bool inline_parts);

  // Restarts the lease of a session that is open as far as the caller knows; for those who write
  // its rows themselves. Errors: kFailedPrecondition with reason SESSION_CLOSED.
  absl::Status Touch(absl::string_view path, const SessionRecord& session);

  // Frees what is kept in memory of a session that is no more.
  void Forget(const Uid& manifest) { leases_.Forget(manifest); }

  // The session as it is now, after ending it if it is open and its lease is over. For every reader
  // of session rows.
  absl::StatusOr<Stored<SessionRecord>> ExpireIfOver(const Directory& directory,
                                                     Stored<SessionRecord> session);

 private:
  using StoredSession = Stored<SessionRecord>;

  absl::StatusOr<std::optional<StoredSession>> TryLoad(const Directory& directory,
                                                       absl::string_view session);
  // Errors: kNotFound with reason SESSION_NOT_FOUND.
  absl::StatusOr<StoredSession> Load(const Directory& directory, absl::string_view session);
  // Errors: also kFailedPrecondition with reason SESSION_CLOSED. `what` was attempted.
  absl::StatusOr<StoredSession> LoadOpen(const Directory& directory, absl::string_view session,
                                         absl::string_view what);
  absl::StatusOr<std::vector<WriterRecord>> ReadWriters(const Directory& directory,
                                                        absl::string_view session) const;
  absl::StatusOr<SessionInfo> Describe(const Directory& directory, SessionRecord session) const;

  // Writes a session that `directory`'s head lets open. False: look again.
  absl::StatusOr<bool> WriteNew(const Directory& directory, const SessionOptions& options,
                                Attempts* attempts);
  // Ends an open session without a checkpoint. False: look again.
  absl::StatusOr<bool> End(const Directory& directory, const StoredSession& session,
                           SessionRecord::State state, absl::string_view reason,
                           Attempts* attempts);
  // Restarts the lease in the row, and says what stands in it.
  absl::StatusOr<SessionRecord> RenewRow(const Directory& directory, absl::string_view session);
  // The part of a seal that is kept whatever comes after it: the writer's row.
  absl::StatusOr<SessionInfo> WriteSeal(absl::string_view path, absl::string_view session,
                                        const WriterRecord& writer);

  // A session that is open or committed. Errors: also kFailedPrecondition with reason
  // SESSION_CLOSED.
  absl::StatusOr<StoredSession> LoadForCommit(const Directory& directory,
                                              absl::string_view session);
  // Checks that the save is complete, and publishes it. Requires: nobody writes slices meanwhile.
  absl::StatusOr<CheckpointRecord> CheckAndPublish(const Directory& directory,
                                                   const StoredSession& stored,
                                                   const Uid& manifest);
  // The part of a commit that readers see.
  absl::StatusOr<CheckpointRecord> Publish(absl::string_view path, absl::string_view session,
                                           const ManifestSummary& summary);
  // The batch that does it.
  absl::StatusOr<Batch> PublishBatch(const Directory& directory, const StoredSession& session,
                                     const CheckpointRecord& checkpoint) const;

  const StoreOptions options_;
  Catalog* const catalog_;
  DirectoryLocks* const locks_;
  SessionLeases leases_;
};

// The error of a call for a session that is not open any more. `what` was attempted.
absl::Status SessionClosed(const SessionRecord& session, absl::string_view what);

bool IsOpen(const SessionRecord& session);

// The uid of a session's manifest. Requires: the record was read from its row.
absl::StatusOr<Uid> ManifestOf(const Directory& directory, const SessionRecord& session);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SAVE_SESSION_H_
