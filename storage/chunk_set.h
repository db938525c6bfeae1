// Sets of chunks of one segment, and how many bytes they have.
#ifndef CAIRN_STORAGE_CHUNK_SET_H_
#define CAIRN_STORAGE_CHUNK_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cairn::storage {

// A value type. As in SegmentUse.chunks: bit i of byte i/8, lowest first, is chunk i.
class ChunkSet {
 public:
  ChunkSet() = default;
  explicit ChunkSet(absl::string_view bitmap) : bitmap_(bitmap) {}

  void Add(const ChunkSet& other);
  void Add(uint32_t chunk);
  bool Has(uint32_t chunk) const;
  int64_t count() const;
  // How many are in both.
  int64_t CountIn(const ChunkSet& other) const;
  bool IsIn(const ChunkSet& other) const { return CountIn(other) == count(); }
  // Those that are not in `other`.
  ChunkSet Without(const ChunkSet& other) const;
  // Ascending.
  std::vector<uint32_t> Numbers() const;
  const std::string& bitmap() const { return bitmap_; }

 private:
  std::string bitmap_;
};

// The bytes of `part` chunks of `whole` that have `bytes` together: exact for none and for all, and
// where chunks are of one size. Requires: part <= whole <= 2^31, bytes <= kMaxSegmentBytes or so.
int64_t BytesOfChunks(int64_t bytes, int64_t part, int64_t whole);

// Chunks that come set by set, each with its bytes, and the bytes of all of them. Exact while sets
// are equal or have nothing in common; else what is new in a set is prorated.
class ChunkTally {
 public:
  void Add(const ChunkSet& chunks, int64_t bytes);
  // Of bytes that are not known: as many a chunk as given.
  void AddWithMean(const ChunkSet& chunks, int64_t bytes_per_chunk);

  const ChunkSet& chunks() const { return chunks_; }
  int64_t bytes() const { return bytes_; }
  // 0 while there is none.
  int64_t bytes_per_chunk() const;
  // The bytes of those that are in `other` as well; prorated.
  int64_t BytesIn(const ChunkSet& other) const;

 private:
  ChunkSet chunks_;
  int64_t bytes_ = 0;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_CHUNK_SET_H_
