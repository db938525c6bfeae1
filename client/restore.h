// What a restore takes and gives. Used through Client::Restore.
#ifndef CAIRN_CLIENT_RESTORE_H_
#define CAIRN_CLIENT_RESTORE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/box.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "cairn/v1/types.pb.h"
#include "client/progress.h"

namespace cairn {

// Some bytes that arrived, already verified. Valid during the call.
struct ArrivedPart {
  const v1::SlicePart& part;                  // key, kind, dtype, shape
  const Box& box;                             // that the bytes are of, in the tensor's coordinates
  int64_t offset = 0;                         // of these bytes in the box's row-major bytes
  int64_t length = 0;                         // bytes
  uint32_t crc32c = 0;                        // of these bytes
  absl::Span<const absl::string_view> bytes;  // consecutive memory ranges
};

// Where a restore goes (client/buffer_sink.h: into memory). Several threads call Write at once,
// never for the same bytes.
class SliceSink {
 public:
  virtual ~SliceSink() = default;
  // Once, before any bytes: what was opened.
  virtual absl::Status Begin(const v1::OpenRestoreResponse& restore) = 0;
  // Its error ends the restore.
  virtual absl::Status Write(const ArrivedPart& part) = 0;
};

struct RestoreOptions {
  int streams = 2;  // 1 to 16, each over a connection of its own
  // Called from one thread at a time, at most 10 times a second and at the end.
  ProgressFn progress = nullptr;
};

struct RestoreResult {
  std::string uid;
  std::string reference;
  int64_t tensors = 0;
  int64_t bytes = 0;  // that arrived
};

}  // namespace cairn

#endif  // CAIRN_CLIENT_RESTORE_H_
