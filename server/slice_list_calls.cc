#include "server/slice_list_calls.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"
#include "server/convert.h"
#include "server/page_token.h"

namespace cairn::server {
namespace {

// Whose parts are listed.
struct Source {
  Uid manifest;
  std::string key_separator;
};

absl::StatusOr<Source> SourceOf(absl::string_view uid, absl::string_view key_separator) {
  const std::optional<Uid> manifest = Uid::FromBytes(uid);
  if (!manifest) return absl::DataLossError("a stored uid does not have 16 bytes");
  return Source{*manifest, std::string(key_separator)};
}

absl::StatusOr<Source> OpenSessionOf(storage::Store* store, const v1::ListSlicesRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(const storage::SessionInfo session,
                         store->GetSession(request.directory(), request.session()));
  if (session.record.state() == storage::SessionRecord::STATE_OPEN) {
    return SourceOf(session.record.manifest_uid(), session.record.key_separator());
  }
  return MakeError(ErrorReason::ERROR_REASON_SESSION_CLOSED, absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("cannot list the slices of session ", request.session(),
                                ": it is not open; list those of its checkpoint"),
                   {{"session", request.session()},
                    {"state", storage::SessionRecord::State_Name(session.record.state())}});
}

// `pinned`: the uid that the pages before were of; nullopt on the first.
absl::StatusOr<Source> FindSource(storage::Store* store, const v1::ListSlicesRequest& request,
                                  const std::optional<Uid>& pinned) {
  if (!request.session().empty()) {
    CAIRN_ASSIGN_OR_RETURN(const Source source, OpenSessionOf(store, request));
    if (!pinned || source.manifest == *pinned) return source;
    return absl::AbortedError(absl::StrCat("session ", request.session(),
                                           " is another one by now; list from the beginning"));
  }
  CAIRN_ASSIGN_OR_RETURN(
      const storage::CheckpointRecord checkpoint,
      store->GetCheckpoint(request.directory(),
                           pinned ? absl::StrCat("uid:", pinned->ToHex()) : request.checkpoint()));
  return SourceOf(checkpoint.uid(), checkpoint.key_separator());
}

v1::StoredPart ToApi(storage::StoredPart part) {
  v1::StoredPart api;
  api.set_key(std::move(part.key));
  api.set_kind(server::ToApi(part.kind));
  api.set_dtype(part.record.dtype());
  *api.mutable_shape() = part.record.shape();
  *api.mutable_slice() = server::ToApi(part.box);
  api.set_offset(part.record.begin());
  api.set_length(part.record.end() - part.record.begin());
  api.set_writer(part.record.writer());
  for (const storage::v1::Piece& piece : part.record.pieces()) {
    v1::StoredPart::Piece* told = api.add_pieces();
    told->set_length(piece.length());
    told->set_crc32c(piece.crc32c());
    told->set_xxh3_128(piece.xxh3_128());
  }
  return api;
}

absl::StatusOr<storage::SliceFilter> FilterOf(const v1::ListSlicesRequest& request) {
  storage::SliceFilter filter;
  if (request.kind() != v1::TENSOR_KIND_UNSPECIFIED) {
    CAIRN_ASSIGN_OR_RETURN(filter.kind, KindOf(request.kind()));
  }
  filter.key_prefix = request.key_prefix();
  filter.writer = request.writer();
  filter.digests = request.digests();
  return filter;
}

}  // namespace

absl::StatusOr<v1::ListSlicesResponse> SliceListCalls::List(const v1::ListSlicesRequest& request) {
  CAIRN_ASSIGN_OR_RETURN(const int page_size, PageSizeOf(request.page_size()));
  CAIRN_ASSIGN_OR_RETURN(std::string after, DecodePageToken(request));
  CAIRN_ASSIGN_OR_RETURN(const storage::SliceFilter filter, FilterOf(request));
  if (!request.session().empty() && !request.checkpoint().empty()) {
    return InvalidField("session", "is given with a checkpoint; give one of them");
  }
  std::optional<Uid> pinned;
  if (!after.empty()) {
    pinned = Uid::FromBytes(absl::string_view(after).substr(0, Uid::kBytes));
    if (!pinned) return InvalidField("page_token", "is not a token of this server");
    after.erase(0, Uid::kBytes);
  }
  CAIRN_ASSIGN_OR_RETURN(const Source source, FindSource(services_.store, request, pinned));
  CAIRN_ASSIGN_OR_RETURN(
      storage::ListPage<storage::StoredPart> page,
      services_.store->ListSlices(source.manifest, source.key_separator, filter, after, page_size));
  // What is gone by now may have been half erased while it was read.
  CAIRN_RETURN_IF_ERROR(FindSource(services_.store, request, source.manifest).status());
  v1::ListSlicesResponse response;
  response.set_uid(source.manifest.ToHex());
  for (storage::StoredPart& part : page.items) *response.add_parts() = ToApi(std::move(part));
  if (!page.next.empty()) {
    response.set_next_page_token(
        EncodePageToken(request, absl::StrCat(source.manifest.bytes(), page.next)));
  }
  return response;
}

}  // namespace cairn::server
