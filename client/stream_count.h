// Over how many connections one save or restore may go.
#ifndef CAIRN_CLIENT_STREAM_COUNT_H_
#define CAIRN_CLIENT_STREAM_COUNT_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn {

inline constexpr int kMaxStreams = 16;

// Errors: kInvalidArgument (not 1 to kMaxStreams).
inline absl::Status CheckStreamCount(int streams) {
  if (streams >= 1 && streams <= kMaxStreams) return absl::OkStatus();
  return InvalidField("streams", absl::StrCat(streams, " is not 1 to ", kMaxStreams));
}

}  // namespace cairn

#endif  // CAIRN_CLIENT_STREAM_COUNT_H_
