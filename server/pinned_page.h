// Pages of what a checkpoint holds: the first page resolves the reference, and the tokens keep to
// that checkpoint, whatever the reference comes to mean.
#ifndef CAIRN_SERVER_PINNED_PAGE_H_
#define CAIRN_SERVER_PINNED_PAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/uid.h"
#include "server/page_token.h"
#include "storage/store.h"

namespace cairn::server {

struct PinnedPage {
  storage::CheckpointRecord checkpoint;
  std::string after;  // position in the list; empty on the first page
};

// What `request`, with the fields directory, checkpoint and page_token, asks for.
// Errors: kInvalidArgument (page token), those of GetCheckpoint.
template <typename Request>
absl::StatusOr<PinnedPage> OpenPinnedPage(storage::Store* store, const Request& request) {
  CAIRN_ASSIGN_OR_RETURN(std::string position, DecodePageToken(request));
  std::string reference = request.checkpoint();
  if (!position.empty()) {
    std::optional<Uid> uid = Uid::FromBytes(absl::string_view(position).substr(0, Uid::kBytes));
    if (!uid.has_value()) return InvalidField("page_token", "is not a token of this server");
    reference = absl::StrCat("uid:", uid->ToHex());
    position.erase(0, Uid::kBytes);
  }
  PinnedPage page;
  page.after = std::move(position);
  CAIRN_ASSIGN_OR_RETURN(page.checkpoint, store->GetCheckpoint(request.directory(), reference));
  return page;
}

// The token of the page that begins at `next`; empty if that is.
template <typename Request>
std::string PinnedPageToken(const Request& request, const storage::CheckpointRecord& checkpoint,
                            absl::string_view next) {
  return next.empty() ? "" : EncodePageToken(request, absl::StrCat(checkpoint.uid(), next));
}

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PINNED_PAGE_H_
