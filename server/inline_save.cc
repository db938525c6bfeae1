#include "server/inline_save.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/human.h"
#include "server/convert.h"
#include "server/inline_tensor.h"

namespace cairn::server {
namespace {

constexpr absl::string_view kWriter = "0";

// An id that the same request_id always gives.
std::string SessionIdOf(absl::string_view request_id) {
  if (request_id.empty()) return "";
  const XXH128_hash_t hash = XXH3_128bits(request_id.data(), request_id.size());
  return absl::StrCat("request-", absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

absl::StatusOr<std::vector<InlineSlice>> SlicesOf(const v1::SaveCheckpointRequest& request) {
  if (request.tensors().empty()) {
    return InvalidField("tensors", "is required: a checkpoint holds at least one tensor");
  }
  std::vector<InlineSlice> slices;
  std::set<std::tuple<storage::TensorKind, std::string, Box>> seen;
  int64_t total = 0;
  for (int i = 0; i < request.tensors_size(); ++i) {
    const std::string field = absl::StrCat("tensors[", i, "]");
    CAIRN_ASSIGN_OR_RETURN(InlineSlice slice, InlineSliceOf(request.tensors(i), field));
    if (!seen.emplace(slice.spec.kind, slice.spec.key, slice.spec.box).second) {
      return InvalidField(
          absl::StrCat(field, ".key"),
          absl::StrCat("'", slice.spec.key, "' with this slice stands there twice"));
    }
    total += static_cast<int64_t>(slice.bytes.size());
    slices.push_back(std::move(slice));
  }
  if (total > kMaxInlineBytes) {
    return InvalidField(
        "tensors", absl::StrCat("have ", HumanBytes(total), "; one call takes ",
                                HumanBytes(kMaxInlineBytes), ", a save session takes any size"));
  }
  return slices;
}

absl::StatusOr<storage::SessionOptions> OptionsOf(const v1::SaveCheckpointRequest& request) {
  v1::SaveSession session;
  session.set_session(SessionIdOf(request.request_id()));
  if (request.has_checkpoint_number()) session.set_checkpoint_number(request.checkpoint_number());
  session.set_if_exists(request.if_exists());
  *session.mutable_annotations() = request.annotations();
  *session.mutable_metrics() = request.metrics();
  session.set_key_separator(request.key_separator());
  session.set_preserved(request.preserved());
  if (request.has_save_time()) *session.mutable_save_time() = request.save_time();
  return SessionOptionsOf(session);
}

absl::StatusOr<storage::CheckpointRecord> FillAndCommit(storage::Store* store,
                                                        absl::string_view directory,
                                                        const std::string& session,
                                                        const std::vector<InlineSlice>& slices) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<storage::SliceWriter> writer,
                         store->NewSliceWriter(directory, session, kWriter, /*inline_parts=*/true));
  for (const InlineSlice& slice : slices) {
    CAIRN_RETURN_IF_ERROR(writer->Append(slice.spec, 0, {absl::string_view(slice.bytes)},
                                         /*crc32c=*/std::nullopt),
                          absl::StrCat("tensor ", slice.spec.key));
  }
  CAIRN_RETURN_IF_ERROR(writer->Finish());
  CAIRN_RETURN_IF_ERROR(
      store->SealSession(directory, session, kWriter, static_cast<int64_t>(slices.size()))
          .status());
  return store->CommitSession(directory, session);
}

}  // namespace

absl::StatusOr<storage::CheckpointRecord> SaveInline(storage::Store* store,
                                                     const v1::SaveCheckpointRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(std::vector<InlineSlice> slices, SlicesOf(request));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionOptions options, OptionsOf(request));
  CAIRN_ASSIGN_OR_RETURN(storage::SessionInfo opened,
                         store->CreateSession(request.directory(), options));
  if (opened.record.state() == storage::SessionRecord::STATE_COMMITTED) {
    return opened.record.checkpoint();
  }
  const std::string& session = opened.record.session();
  absl::StatusOr<storage::CheckpointRecord> checkpoint =
      FillAndCommit(store, request.directory(), session, slices);
  // With a request_id the caller may try again, and finds the session open. Otherwise nobody can.
  if (!checkpoint.ok() && request.request_id().empty()) {
    // Best effort: a session that stays open ends by itself.
    (void)store->AbortSession(request.directory(), session, "its SaveCheckpoint failed");
  }
  return checkpoint;
}

}  // namespace cairn::server
