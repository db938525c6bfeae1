// Where a stream of a restore stands, as bytes that a client keeps and gives back.
#ifndef CAIRN_STORAGE_STREAM_TOKEN_H_
#define CAIRN_STORAGE_STREAM_TOKEN_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"

namespace cairn::storage {

// A place in what a restore sends: so many bytes that are sent of a row.
struct StreamPosition {
  static constexpr int64_t kWholeRow = std::numeric_limits<int64_t>::max();
  std::string row_key;  // empty: before every row; as an end: after every row
  int64_t sent = 0;
  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
  friend auto operator<=>(const StreamPosition&, const StreamPosition&) = default;
};

struct StreamToken {
  Uid restore;
  StreamPosition begin;
  StreamPosition end;
  friend bool operator==(const StreamToken&, const StreamToken&) = default;
};

// Version, restore, both positions and a crc32c; numbers are little-endian.
std::string EncodeStreamToken(const StreamToken& token);
// Errors: kInvalidArgument (not a token of this version).
absl::StatusOr<StreamToken> DecodeStreamToken(absl::string_view bytes);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_STREAM_TOKEN_H_
