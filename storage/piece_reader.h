// Reads the bytes of pieces, wherever they are.
#ifndef CAIRN_STORAGE_PIECE_READER_H_
#define CAIRN_STORAGE_PIECE_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine/segment_store.h"
#include "storage/store.h"

namespace cairn::storage {

// The pieces of one slice row. One thread at a time. `segments` and `record` are not owned and
// outlive this. Errors of all methods: kDataLoss naming `key` (bytes are damaged or gone),
// kUnavailable.
class PieceReader {
 public:
  // Requires: the pieces' lengths add up to the record's byte range.
  PieceReader(SegmentStore* segments, std::string key, const SliceRecord& record);

  int count() const { return record_.pieces_size(); }
  // Where piece `index` begins in the row's bytes; of `count()`, where they end.
  int64_t begin(int index) const { return begins_[index]; }

  struct Bytes {
    PinnedBytes bytes;
    uint32_t crc32c = 0;
  };
  // A piece as it is stored, with the saver's sum, against which nobody has compared it; the sum of
  // a piece without one is computed after a verified read.
  absl::StatusOr<Bytes> Read(int index) const;

  // Appends `size` bytes from `offset` in the row on, verified. Keeps the last piece it read, so
  // that ascending ranges read each piece once. Requires: they lie in the row.
  absl::Status AppendRange(int64_t offset, int64_t size, std::string* out);

 private:
  absl::StatusOr<PinnedBytes> ReadBytes(const v1::Piece& piece, bool verify) const;
  absl::StatusOr<PinnedBytes> ReadExtent(const v1::ChunkExtent& extent, bool verify) const;
  absl::Status Damaged(absl::string_view found) const;

  SegmentStore* const segments_;
  const std::string key_;
  const SliceRecord& record_;
  std::vector<int64_t> begins_;
  int cached_index_ = -1;
  PinnedBytes cached_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_PIECE_READER_H_
