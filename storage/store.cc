#include "storage/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/catalog.h"
#include "storage/checkpoints.h"
#include "storage/collector.h"
#include "storage/copy_checkpoint.h"
#include "storage/directory_locks.h"
#include "storage/format_version.h"
#include "storage/restore.h"
#include "storage/save_session.h"
#include "storage/slice_list.h"
#include "storage/tensor_list.h"
#include "storage/usage.h"

namespace cairn::storage {
namespace {

constexpr int kMaxRestoreAttempts = 8;

// Puts the parts together. Only OpenRestore, which needs two of them, does anything itself.
class StoreImpl : public Store {
 public:
  StoreImpl(const StoreOptions& options, const Uid& incarnation)
      : table_(options.table),
        incarnation_(incarnation),
        catalog_(options),
        checkpoints_(options, &catalog_, &locks_),
        sessions_(options, &catalog_, &locks_),
        copies_(options, &catalog_, &sessions_),
        restores_(options.table, options.segments, options.clock, options.random),
        usage_(options.table, &catalog_, &checkpoints_),
        collector_(options, &catalog_, &sessions_, &restores_) {}

  std::string incarnation() const override { return incarnation_.ToHex(); }

  absl::StatusOr<DirectoryInfo> GetDirectory(absl::string_view directory) override {
    CAIRN_ASSIGN_OR_RETURN(Directory found, catalog_.Find(directory));
    return DirectoryInfo{.uid = found.uid, .head = std::move(found.head.record)};
  }
  absl::StatusOr<ListPage<DirectoryInfo>> ListDirectories(absl::string_view after,
                                                          int page_size) override {
    return catalog_.List(after, page_size);
  }
  absl::StatusOr<DirectoryInfo> CreateDirectory(absl::string_view directory,
                                                const CreateDirectoryOptions& options) override {
    return catalog_.Create(directory, options);
  }
  absl::StatusOr<DirectoryInfo> UpdateDirectory(absl::string_view directory,
                                                const UpdateDirectoryOptions& options) override {
    MutexLock lock(locks_.Of(directory));
    return catalog_.Update(directory, options);
  }
  absl::Status DeleteDirectory(absl::string_view directory, bool force,
                               std::optional<int64_t> if_update_count,
                               absl::string_view request_id) override {
    MutexLock lock(locks_.Of(directory));
    return catalog_.Delete(directory, force, if_update_count, request_id);
  }

  absl::StatusOr<CheckpointRecord> GetCheckpoint(absl::string_view directory,
                                                 absl::string_view reference) override {
    return checkpoints_.Get(directory, reference);
  }
  absl::StatusOr<ListPage<CheckpointRecord>> ListCheckpoints(absl::string_view directory,
                                                             CheckpointOrder order,
                                                             absl::string_view after,
                                                             int page_size) override {
    return checkpoints_.List(directory, order, after, page_size);
  }
  absl::StatusOr<CheckpointRecord> DeleteCheckpoint(absl::string_view directory,
                                                    absl::string_view reference,
                                                    absl::string_view request_id) override {
    return checkpoints_.Delete(directory, reference, request_id);
  }

  absl::StatusOr<CheckpointRecord> CopyCheckpoint(absl::string_view directory,
                                                  absl::string_view reference,
                                                  const CopyOptions& options) override {
    return copies_.Copy(directory, reference, options);
  }

  absl::StatusOr<SessionInfo> CreateSession(absl::string_view directory,
                                            const SessionOptions& options) override {
    return sessions_.Create(directory, options);
  }
  absl::StatusOr<SessionInfo> GetSession(absl::string_view directory,
                                         absl::string_view session) override {
    return sessions_.Get(directory, session);
  }
  absl::StatusOr<ListPage<SessionInfo>> ListSessions(absl::string_view directory,
                                                     absl::string_view after,
                                                     int page_size) override {
    return sessions_.List(directory, after, page_size);
  }
  absl::StatusOr<SessionInfo> RenewSession(absl::string_view directory,
                                           absl::string_view session) override {
    return sessions_.Renew(directory, session);
  }
  absl::StatusOr<SessionInfo> SealSession(absl::string_view directory, absl::string_view session,
                                          absl::string_view writer, int64_t slice_count) override {
    return sessions_.Seal(directory, session, writer, slice_count);
  }
  absl::StatusOr<CheckpointRecord> CommitSession(absl::string_view directory,
                                                 absl::string_view session) override {
    return sessions_.Commit(directory, session);
  }
  absl::StatusOr<SessionInfo> AbortSession(absl::string_view directory, absl::string_view session,
                                           absl::string_view reason) override {
    return sessions_.Abort(directory, session, reason);
  }
  absl::StatusOr<std::unique_ptr<SliceWriter>> NewSliceWriter(absl::string_view directory,
                                                              absl::string_view session,
                                                              absl::string_view writer,
                                                              bool inline_parts) override {
    return sessions_.NewSliceWriter(directory, session, writer, inline_parts);
  }

  absl::StatusOr<ListPage<TensorInfo>> ListTensors(const CheckpointRecord& checkpoint,
                                                   const Selector& selector, bool with_slices,
                                                   absl::string_view after,
                                                   int page_size) override {
    return storage::ListTensors(table_, checkpoint, selector, with_slices, after, page_size);
  }
  absl::StatusOr<TensorInfo> GetTensor(const CheckpointRecord& checkpoint, TensorKind kind,
                                       absl::string_view key) override {
    return storage::GetTensor(table_, checkpoint, kind, key);
  }

  absl::StatusOr<ListPage<StoredPart>> ListSlices(const Uid& manifest,
                                                  absl::string_view key_separator,
                                                  const SliceFilter& filter,
                                                  absl::string_view after, int page_size) override {
    return storage::ListSlices(table_, manifest, key_separator, filter, after, page_size);
  }

  absl::StatusOr<RestoreInfo> OpenRestore(absl::string_view directory, absl::string_view reference,
                                          absl::Span<const Selector> selectors,
                                          int streams) override;
  absl::StatusOr<absl::Time> RenewRestore(absl::string_view restore) override {
    return restores_.Renew(restore);
  }
  absl::Status CloseRestore(absl::string_view restore) override { return restores_.Close(restore); }
  absl::StatusOr<std::unique_ptr<SliceReader>> NewSliceReader(absl::string_view token) override {
    return restores_.NewSliceReader(token);
  }

  absl::StatusOr<Usage> GetUsage(absl::string_view directory,
                                 absl::string_view checkpoint) override {
    return checkpoint.empty() ? usage_.OfDirectory(directory)
                              : usage_.OfCheckpoint(directory, checkpoint);
  }

  absl::StatusOr<CollectResult> Collect(CollectScope scope) override {
    return collector_.Run(scope);
  }

 private:
  Table* const table_;
  const Uid incarnation_;
  DirectoryLocks locks_;
  Catalog catalog_;
  Checkpoints checkpoints_;
  SaveSessions sessions_;
  Copies copies_;
  Restores restores_;
  UsageMeter usage_;
  Collector collector_;
};

absl::StatusOr<RestoreInfo> StoreImpl::OpenRestore(absl::string_view directory,
                                                   absl::string_view reference,
                                                   absl::Span<const Selector> selectors,
                                                   int streams) {
  for (int attempt = 0; attempt < kMaxRestoreAttempts; ++attempt) {
    CAIRN_ASSIGN_OR_RETURN(const CheckpointRecord checkpoint,
                           checkpoints_.Get(directory, reference));
    absl::StatusOr<RestoreInfo> info = restores_.Open(checkpoint, selectors, streams);
    // The lease keeps a checkpoint that is live now; one deleted since it was found may be half
    // gone.
    const std::string uid =
        absl::StrCat("uid:", Uid::FromBytes(checkpoint.uid()).value_or(Uid()).ToHex());
    const absl::Status live = checkpoints_.Get(directory, uid).status();
    if (live.ok()) return info;
    if (info.ok()) CAIRN_RETURN_IF_ERROR(restores_.Close(info->restore));
    if (!absl::IsNotFound(live)) return live;
  }
  return absl::AbortedError(absl::StrCat("cannot restore ", directory, "@", reference,
                                         ": it was replaced ", kMaxRestoreAttempts,
                                         " times meanwhile; try again"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  CAIRN_ASSIGN_OR_RETURN(const v1::StoreRecord record, OpenStoreRecord(options));
  return std::make_unique<StoreImpl>(options, *Uid::FromBytes(record.incarnation()));
}

}  // namespace cairn::storage
