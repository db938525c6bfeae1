// Bytes of stored slices for calls that answer with something made of them.
#ifndef CAIRN_SERVER_SLICE_COLLECT_H_
#define CAIRN_SERVER_SLICE_COLLECT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/box.h"
#include "storage/store.h"

namespace cairn::server {

struct SliceBytes {
  Box box;
  std::string bytes;
};

// The slices that `selector` matches in a checkpoint of `directory`, in order. Ends when
// `max_bytes` bytes are gathered, however much there is: the last slice may then be cut.
absl::StatusOr<std::vector<SliceBytes>> CollectSlices(storage::Store* store,
                                                      absl::string_view directory,
                                                      const storage::CheckpointRecord& checkpoint,
                                                      const storage::Selector& selector,
                                                      int64_t max_bytes);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SLICE_COLLECT_H_
