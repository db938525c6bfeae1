#include "client/save_run.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
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

absl::StatusOr<v1::Checkpoint> SealAndCommit(Connection& connection, const v1::SaveSession& session,
                                             size_t slice_count) {
  v1::SealSaveSessionRequest seal;
  seal.set_directory(session.directory());
  seal.set_session(session.session());
  seal.set_slice_count(static_cast<int64_t>(slice_count));
  CAIRN_RETURN_IF_ERROR(connection.SealSaveSession(seal).status());
  v1::CommitSaveSessionRequest commit;
  commit.set_directory(session.directory());
  commit.set_session(session.session());
  return connection.CommitSaveSession(commit);
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
  SaveUploader uploader(connection, session, slices, plan, progress, clock, random);
  CAIRN_RETURN_IF_ERROR(uploader.Run(options.streams));
  progress.Finish();
  SaveResult result;
  CAIRN_ASSIGN_OR_RETURN(result.checkpoint, SealAndCommit(connection, session, slices.size()));
  result.bytes_sent = uploader.bytes_sent();
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
  CAIRN_ASSIGN_OR_RETURN(const v1::ServerInfo limits, connection.GetServerInfo({}));
  if (options.preserved) {
    CAIRN_RETURN_IF_ERROR(RequireFeature(connection, kPreservedFeature),
                          "cannot save a preserved checkpoint");
  }
  CAIRN_ASSIGN_OR_RETURN(const SavePlan plan, PlanSave(slices, limits));
  CAIRN_ASSIGN_OR_RETURN(const v1::SaveSession session,
                         connection.CreateSaveSession(OpeningRequest(directory, options, random)));
  absl::StatusOr<SaveResult> result =
      FillSession(connection, session, slices, plan, options, clock, random);
  if (!result.ok()) Abort(connection, session, result.status());
  return result;
}

}  // namespace cairn
