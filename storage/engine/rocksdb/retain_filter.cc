#include "storage/engine/rocksdb/retain_filter.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/engine/rocksdb/chunk_key.h"

namespace cairn::storage {

struct RetainFilterFactory::Retained {
  std::string segment;
  std::vector<std::string> keys;  // ascending
};

class RetainFilterFactory::RetainFilter : public rocksdb::CompactionFilter {
 public:
  explicit RetainFilter(std::shared_ptr<const Retained> retained)
      : retained_(std::move(retained)) {}

  bool Filter(int /*level*/, const rocksdb::Slice& key, const rocksdb::Slice& /*value*/,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    const absl::string_view chunk(key.data(), key.size());
    if (!key.starts_with(retained_->segment)) return false;
    return !std::binary_search(retained_->keys.begin(), retained_->keys.end(), chunk);
  }
  const char* Name() const override { return "cairn.retain"; }

 private:
  const std::shared_ptr<const Retained> retained_;
};

void RetainFilterFactory::Begin(const Uid& segment, absl::Span<const uint32_t> live) {
  auto retained = std::make_shared<Retained>();
  retained->segment = std::string(segment.bytes());
  retained->keys.push_back(ChunkKey(segment, 0));
  for (const uint32_t chunk : live) {
    if (chunk != 0) retained->keys.push_back(ChunkKey(segment, chunk));
  }
  MutexLock lock(&mutex_);
  retained_ = std::move(retained);
}

void RetainFilterFactory::End() {
  MutexLock lock(&mutex_);
  retained_ = nullptr;
}

std::unique_ptr<rocksdb::CompactionFilter> RetainFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  MutexLock lock(&mutex_);
  if (retained_ == nullptr) return nullptr;
  return std::make_unique<RetainFilter>(retained_);
}

}  // namespace cairn::storage
