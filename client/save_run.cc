#include "client/save_run.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "client/base_index.h"
#include "client/features.h"
#include "client/lease_keeper.h"
#include "client/progress.h"
#include "client/save_plan.h"
#include "client/save_uploader.h"
#include "client/stream_count.h"

namespace cairn {
namespace {

// A save that dies holds its number for so long; three renewals may fail.
constexpr int kLeaseSeconds = 120;
constexpr absl::Duration kRenewalInterval = absl::Seconds(kLeaseSeconds / 4);

v1::CreateSaveSessionRequest OpeningRequest(absl::string_view directory, const SaveOptions& options,
                                            Random* random) {
  v1::CreateSaveSessionRequest request;
  v1::SaveSession& session = *request.mutable_save_session();
  session.set_directory(std::string(directory));
  session.set_session(options.session.empty() ? random->NextUid().ToHex() : options.session);
  session.set_preserved(options.preserved);
  session.set_expected_writers(options.expected_writers);
  session.set_commit_when_sealed(options.expected_writers > 1);
  session.set_base(options.base.value_or(""));
  if (options.number.has_value()) session.set_checkpoint_number(*options.number);
  session.set_if_exists(options.replace ? v1::SaveSession::IF_EXISTS_REPLACE
                                        : v1::SaveSession::IF_EXISTS_FAIL);
  session.mutable_annotations()->insert(options.annotations.begin(), options.annotations.end());
  session.mutable_metrics()->insert(options.metrics.begin(), options.metrics.end());
  session.set_key_separator(options.key_separator);
  session.mutable_ttl()->set_seconds(kLeaseSeconds);
  if (options.save_time.has_value()) {
    const int64_t seconds = absl::ToUnixSeconds(*options.save_time);
    session.mutable_save_time()->set_seconds(seconds);
    session.mutable_save_time()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(*options.save_time - absl::FromUnixSeconds(seconds))));
  }
  return request;
}

// The checkpoint of a session that is committed already.
absl::StatusOr<v1::Checkpoint> CheckpointOf(Connection& connection,
                                            const v1::SaveSession& session) {
  v1::GetCheckpointRequest request;
  request.set_directory(session.directory());
  request.set_checkpoint(absl::StrCat("uid:", session.uid()));
  return connection.GetCheckpoint(request);
}

absl::Status SealAndCommit(Connection& connection, const v1::SaveSession& session,
                           const SaveOptions& options, size_t slice_count, SaveResult* result) {
  v1::SealSaveSessionRequest seal;
  seal.set_directory(session.directory());
  seal.set_session(session.session());
  seal.set_writer(options.writer);
  seal.set_slice_count(static_cast<int64_t>(slice_count));
  CAIRN_ASSIGN_OR_RETURN(result->session, connection.SealSaveSession(seal));
  result->committed = result->session.state() == v1::SaveSession::STATE_COMMITTED;
  if (result->committed) {
    CAIRN_ASSIGN_OR_RETURN(result->checkpoint, CheckpointOf(connection, session));
  } else if (options.expected_writers == 1) {
    v1::CommitSaveSessionRequest commit;
    commit.set_directory(session.directory());
    commit.set_session(session.session());
    CAIRN_ASSIGN_OR_RETURN(result->checkpoint, connection.CommitSaveSession(commit));
    result->committed = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<SaveResult> FillSession(Connection& connection, const v1::SaveSession& session,
                                       absl::Span<const SliceToSave> slices, const SavePlan& plan,
                                       const SaveOptions& options, Clock* clock, Random* random) {
  const LeaseKeeper lease(kRenewalInterval, [&connection, &session] {
    v1::RenewSaveSessionRequest renew;
    renew.set_directory(session.directory());
    renew.set_session(session.session());
    (void)connection.RenewSaveSession(renew);
  });
  ProgressReporter progress(options.progress, plan.total_bytes, clock);
  std::optional<BaseIndex> base;
  if (!session.base().empty()) {
    CAIRN_ASSIGN_OR_RETURN(base, BaseIndex::Read(connection, session.directory(), session.base()),
                           "reading the base of the save");
  }
  SaveUploader uploader(connection, session, options.writer, slices, plan,
                        base.has_value() ? &*base : nullptr, progress, clock, random);
  CAIRN_RETURN_IF_ERROR(uploader.Run(options.streams));
  progress.Finish();
  SaveResult result;
  CAIRN_RETURN_IF_ERROR(SealAndCommit(connection, session, options, slices.size(), &result));
  result.bytes_sent = uploader.bytes_sent();
  result.bytes_reused = uploader.bytes_reused();
  result.bytes_stored = result.checkpoint.stored_bytes();
  return result;
}

// Best effort: a session that cannot be aborted expires.
void Abort(Connection& connection, const v1::SaveSession& session, const absl::Status& cause) {
  v1::AbortSaveSessionRequest abort;
  abort.set_directory(session.directory());
  abort.set_session(session.session());
  abort.set_reason(absl::StrCat("the client gave up: ", absl::StatusCodeToString(cause.code())));
  (void)connection.AbortSaveSession(abort);
}

}  // namespace

absl::StatusOr<SaveResult> RunSave(Connection& connection, absl::string_view directory,
                                   absl::Span<const SliceToSave> slices, const SaveOptions& options,
                                   Clock* clock, Random* random) {
  CAIRN_RETURN_IF_ERROR(CheckStreamCount(options.streams));
  if (options.expected_writers < 1) {
    return InvalidField("expected_writers",
                        absl::StrCat("are ", options.expected_writers, "; at least 1 saves"));
  }
  if (options.expected_writers > 1 && options.session.empty()) {
    return InvalidField("session", "is empty; several writers meet by naming the same one");
  }
  CAIRN_ASSIGN_OR_RETURN(const v1::ServerInfo limits, connection.GetServerInfo({}));
  if (options.preserved) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(connection, kPreservedFeature),
                          "cannot save a preserved checkpoint");
  }
  if (!options.base.value_or("").empty()) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(connection, kIncrementalFeature),
                          "cannot save with a base");
  }
  if (options.expected_writers > 1) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(connection, kCommitWhenSealedFeature),
                          "cannot save with several writers");
  }
  CAIRN_ASSIGN_OR_RETURN(const SavePlan plan, PlanSave(slices, limits));
  CAIRN_ASSIGN_OR_RETURN(const v1::SaveSession session,
                         connection.CreateSaveSession(OpeningRequest(directory, options, random)));
  absl::StatusOr<SaveResult> result =
      FillSession(connection, session, slices, plan, options, clock, random);
  // What the others saved is theirs: a writer that comes again can finish.
  if (!result.ok() && options.expected_writers == 1) {
    Abort(connection, session, result.status());
  }
  return result;
}

}  // namespace cairn
