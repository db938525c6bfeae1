// What the machine gives at best: the same bytes written straight to the disk, and sent straight
// over loopback, without any of the work that a store does.
#ifndef CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_
#define CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace cairn::benchmarks {

// Writes `bytes` to a new file in `folder` with O_DIRECT, 1 MiB a write through one aligned buffer,
// makes it durable and removes it.
absl::Status WriteDirect(const std::string& folder, absl::Span<const char> bytes);

// Sends `bytes` over `streams` TCP connections on loopback, an equal share each, 1 MiB a write,
// into `out`, which has the same size.
absl::Status SendOverLoopback(absl::Span<const char> bytes, int streams, absl::Span<char> out);

}  // namespace cairn::benchmarks

#endif  // CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_
