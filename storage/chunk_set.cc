#include "storage/chunk_set.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace cairn::storage {
namespace {

constexpr uint32_t kBitsOfByte = 8;

int BitsOf(char byte) { return std::popcount(static_cast<uint8_t>(byte)); }

}  // namespace

void ChunkSet::Add(const ChunkSet& other) {
  if (bitmap_.size() < other.bitmap_.size()) bitmap_.resize(other.bitmap_.size(), '\0');
  for (size_t i = 0; i < other.bitmap_.size(); ++i) {
    bitmap_[i] = static_cast<char>(bitmap_[i] | other.bitmap_[i]);
  }
}

void ChunkSet::Add(uint32_t chunk) {
  const size_t index = chunk / kBitsOfByte;
  if (bitmap_.size() <= index) bitmap_.resize(index + 1, '\0');
  bitmap_[index] = static_cast<char>(bitmap_[index] | 1 << chunk % kBitsOfByte);
}

bool ChunkSet::Has(uint32_t chunk) const {
  const size_t index = chunk / kBitsOfByte;
  return index < bitmap_.size() && (bitmap_[index] >> chunk % kBitsOfByte & 1) != 0;
}

int64_t ChunkSet::count() const {
  int64_t count = 0;
  for (const char byte : bitmap_) count += BitsOf(byte);
  return count;
}

int64_t ChunkSet::CountIn(const ChunkSet& other) const {
  int64_t count = 0;
  const size_t bytes = std::min(bitmap_.size(), other.bitmap_.size());
  for (size_t i = 0; i < bytes; ++i) {
    count += BitsOf(static_cast<char>(bitmap_[i] & other.bitmap_[i]));
  }
  return count;
}

ChunkSet ChunkSet::Without(const ChunkSet& other) const {
  ChunkSet rest;
  for (const uint32_t chunk : Numbers()) {
    if (!other.Has(chunk)) rest.Add(chunk);
  }
  return rest;
}

std::vector<uint32_t> ChunkSet::Numbers() const {
  std::vector<uint32_t> numbers;
  for (uint32_t chunk = 0; chunk < bitmap_.size() * kBitsOfByte; ++chunk) {
    if (Has(chunk)) numbers.push_back(chunk);
  }
  return numbers;
}

int64_t BytesOfChunks(int64_t bytes, int64_t part, int64_t whole) {
  return whole == 0 ? 0 : bytes * part / whole;
}

void ChunkTally::Add(const ChunkSet& chunks, int64_t bytes) {
  const int64_t count = chunks.count();
  bytes_ += BytesOfChunks(bytes, count - chunks.CountIn(chunks_), count);
  chunks_.Add(chunks);
}

void ChunkTally::AddWithMean(const ChunkSet& chunks, int64_t bytes_per_chunk) {
  Add(chunks, bytes_per_chunk * chunks.count());
}

int64_t ChunkTally::bytes_per_chunk() const { return BytesOfChunks(bytes_, 1, chunks_.count()); }

int64_t ChunkTally::BytesIn(const ChunkSet& other) const {
  return BytesOfChunks(bytes_, chunks_.CountIn(other), chunks_.count());
}

}  // namespace cairn::storage
