// Pages of lists: their sizes, and tokens that are opaque to callers and good for one request only.
#ifndef CAIRN_SERVER_PAGE_TOKEN_H_
#define CAIRN_SERVER_PAGE_TOKEN_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn::server {

inline constexpr int kDefaultPageSize = 50;

// What a request's page_size means: 0 the default, more than the largest the largest.
// Errors: kInvalidArgument (negative).
absl::StatusOr<int> PageSizeOf(int32_t page_size);

// The token of the page of `request` that begins at `position` (any bytes); empty for an empty
// position, for that was the last page. `request` has the fields page_size and page_token; a token
// fits every request that is equal but for these two.
std::string EncodePageToken(const google::protobuf::Message& request, absl::string_view position);

// The position that request's page_token stands for; empty for the first page.
// Errors: kInvalidArgument (not a token of ours, or one of another request).
absl::StatusOr<std::string> DecodePageToken(const google::protobuf::Message& request);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PAGE_TOKEN_H_
