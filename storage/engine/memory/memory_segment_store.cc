#include "storage/engine/memory/memory_segment_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace cairn::storage {

class MemorySegmentWriter : public SegmentWriter {
 public:
  MemorySegmentWriter(MemorySegmentStore* store, const Uid& uid) : store_(store), uid_(uid) {}
  int64_t stored_bytes() const override { return stored_bytes_; }

 protected:
  absl::Status DoAppend(uint32_t number, absl::string_view stored) override {
    CAIRN_CHECK(number == chunks_.size());
    chunks_.emplace_back(std::string(stored));
    stored_bytes_ += static_cast<int64_t>(stored.size());
    return absl::OkStatus();
  }

  absl::Status DoFinish() override {
    store_->Add(uid_, std::move(chunks_));
    return absl::OkStatus();
  }

 private:
  MemorySegmentStore* const store_;
  const Uid uid_;
  std::vector<PinnedBytes> chunks_;
  int64_t stored_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<SegmentWriter>> MemorySegmentStore::DoNewWriter(const Uid& uid) {
  return std::make_unique<MemorySegmentWriter>(this, uid);
}

void MemorySegmentStore::Add(const Uid& uid, Chunks chunks) {
  MutexLock lock(&mutex_);
  CAIRN_CHECK(segments_.emplace(uid, std::move(chunks)).second);
}

absl::StatusOr<PinnedBytes> MemorySegmentStore::DoRead(const Uid& uid, uint32_t chunk,
                                                       bool /*verify*/) {
  MutexLock lock(&mutex_);
  const auto segment = segments_.find(uid);
  if (segment == segments_.end() || chunk >= segment->second.size() ||
      segment->second[chunk].view().empty()) {
    return ChunkNotFound(uid, chunk);
  }
  return segment->second[chunk];
}

absl::Status MemorySegmentStore::Remove(absl::Span<const Uid> uids) {
  MutexLock lock(&mutex_);
  for (const Uid& uid : uids) segments_.erase(uid);
  return absl::OkStatus();
}

absl::Status MemorySegmentStore::Retain(const Uid& uid, absl::Span<const uint32_t> live) {
  MutexLock lock(&mutex_);
  const auto segment = segments_.find(uid);
  if (segment == segments_.end()) return absl::OkStatus();
  for (uint32_t chunk = 1; chunk < segment->second.size(); ++chunk) {
    if (!std::binary_search(live.begin(), live.end(), chunk)) {
      segment->second[chunk] = PinnedBytes();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> MemorySegmentStore::StoredBytes(const Uid& uid) {
  MutexLock lock(&mutex_);
  const auto segment = segments_.find(uid);
  if (segment == segments_.end()) return 0;
  int64_t bytes = 0;
  for (const PinnedBytes& chunk : segment->second) {
    bytes += static_cast<int64_t>(chunk.view().size());
  }
  return bytes;
}

absl::Status MemorySegmentStore::Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) {
  // The visitor runs without the lock, so that it may call this store.
  std::vector<std::pair<Uid, PinnedBytes>> headers;
  {
    MutexLock lock(&mutex_);
    for (const auto& [uid, chunks] : segments_) headers.emplace_back(uid, chunks.front());
  }
  for (const auto& [uid, stored] : headers) {
    CAIRN_ASSIGN_OR_RETURN(const absl::string_view header,
                           LoadChunk(uid, 0, stored.view(), /*verify=*/true));
    if (!visit({uid, std::string(header)})) break;
  }
  return absl::OkStatus();
}

bool MemorySegmentStore::FlipBitForTest(const Uid& uid, uint32_t chunk, size_t offset) {
  MutexLock lock(&mutex_);
  const auto segment = segments_.find(uid);
  if (segment == segments_.end() || chunk >= segment->second.size()) return false;
  std::string stored(segment->second[chunk].view());
  if (offset >= stored.size()) return false;
  stored[offset] ^= 1;
  segment->second[chunk] = PinnedBytes(std::move(stored));
  return true;
}

}  // namespace cairn::storage
