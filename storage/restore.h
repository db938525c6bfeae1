// The way out: restores, their leases and the tokens of their streams.
#ifndef CAIRN_STORAGE_RESTORE_H_
#define CAIRN_STORAGE_RESTORE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/uid.h"
#include "storage/engine/segment_store.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

inline constexpr size_t kMaxOpenRestores = 4096;
inline constexpr size_t kMaxSelectorBytes = 256 << 20;  // keys and boxes of all open restores

// The restores of one server process. Their leases live in memory: a restart ends them all.
// Thread-safe. Pointers are not owned and outlive this and every reader it made; readers may
// outlive this.
class Restores {
 public:
  Restores(Table* table, SegmentStore* segments, Clock* clock, Random* random);
  ~Restores();

  // Finds what the selectors match and takes a lease on the checkpoint. They are united: a tensor
  // that several match is delivered once, as the first of them asks. None at all: every tensor. At
  // most `streams` tokens come back, fewer when there is less to send. The caller makes sure that
  // the checkpoint is live *after* this returns, and closes otherwise: only from then on does the
  // lease keep it. Errors: as Store::OpenRestore; kResourceExhausted (too many restores are open).
  absl::StatusOr<RestoreInfo> Open(const CheckpointRecord& checkpoint,
                                   absl::Span<const Selector> selectors, int streams);
  absl::StatusOr<absl::Time> Renew(absl::string_view restore);
  // Idempotent.
  absl::Status Close(absl::string_view restore);
  absl::StatusOr<std::unique_ptr<SliceReader>> NewSliceReader(absl::string_view token);

  // Whether a lease keeps this manifest's rows and bytes.
  bool Holds(const Uid& manifest) const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_RESTORE_H_
