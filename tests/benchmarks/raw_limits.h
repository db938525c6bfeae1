// What the machine gives at best: the same bytes written straight to the disk, and sent straight
// over loopback, without any of the work that a store does.
#ifndef CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_
#define CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace cairn::benchmarks {

// A file that is written and read with O_DIRECT, 1 MiB a call through one aligned buffer. Removed
// on destruction.
class DirectFile {
 public:
  explicit DirectFile(const std::string& folder) : path_(folder + "/raw") {}
  ~DirectFile();
  // Replaces the content and makes it durable.
  absl::Status Write(absl::Span<const char> bytes);
  // Reads all of it into `out`, which has the size that was written.
  absl::Status Read(absl::Span<char> out);

 private:
  const std::string path_;
};

// Sends `bytes` over `streams` TCP connections on loopback, an equal share each, 1 MiB a write,
// into `out`, which has the same size.
absl::Status SendOverLoopback(absl::Span<const char> bytes, int streams, absl::Span<char> out);

}  // namespace cairn::benchmarks

#endif  // CAIRN_TESTS_BENCHMARKS_RAW_LIMITS_H_
