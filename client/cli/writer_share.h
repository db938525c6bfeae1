// Divides the slices of a checkpoint among several writers.
#ifndef CAIRN_CLIENT_CLI_WRITER_SHARE_H_
#define CAIRN_CLIENT_CLI_WRITER_SHARE_H_

#include "absl/types/span.h"
#include "client/save.h"

namespace cairn::cli {

// The share of writer `writer` (from 0): neighbours, about an equal part of all bytes. The shares
// of all writers are every slice once; some are empty where slices are few or very unequal.
// Requires: 0 <= writer < writers.
absl::Span<const SliceToSave> ShareOf(absl::Span<const SliceToSave> slices, int writers,
                                      int writer);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_WRITER_SHARE_H_
