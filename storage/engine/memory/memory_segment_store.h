// Segments in memory, for tests. It keeps nothing.
#ifndef CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_SEGMENT_STORE_H_
#define CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_SEGMENT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "base/uid.h"
#include "storage/engine/segment_store.h"

namespace cairn::storage {

// Thread-safe. Must outlive its writers.
class MemorySegmentStore : public SegmentStore {
 public:
  absl::Status Remove(absl::Span<const Uid> uids) override;
  absl::Status Retain(const Uid& uid, absl::Span<const uint32_t> live) override;
  absl::StatusOr<int64_t> StoredBytes(const Uid& uid) override;
  absl::Status Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) override;

  // Flips the lowest bit of byte `offset` of a chunk as stored (its crc32c follows its bytes).
  // False: there is no such byte.
  bool FlipBitForTest(const Uid& uid, uint32_t chunk, size_t offset);

 protected:
  absl::StatusOr<std::unique_ptr<SegmentWriter>> DoNewWriter(const Uid& uid) override;
  absl::StatusOr<PinnedBytes> DoRead(const Uid& uid, uint32_t chunk, bool verify) override;

 private:
  friend class MemorySegmentWriter;
  using Chunks = std::vector<PinnedBytes>;  // as stored; without bytes: freed

  void Add(const Uid& uid, Chunks chunks);

  Mutex mutex_;
  std::map<Uid, Chunks> segments_ CAIRN_GUARDED_BY(mutex_);
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_MEMORY_MEMORY_SEGMENT_STORE_H_
