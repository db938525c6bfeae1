// Seam 2 of 2: segments, the immutable runs of chunks that hold the bulk of the bytes. A segment is
// what one upload stream wrote between two durability points; it is the unit of durability and of
// freeing space.
#ifndef CAIRN_STORAGE_ENGINE_SEGMENT_STORE_H_
#define CAIRN_STORAGE_ENGINE_SEGMENT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/uid.h"

namespace cairn::storage {

class FaultySegmentStore;
class FaultySegmentWriter;

inline constexpr int64_t kMaxChunkBytes = 1 << 20;      // decoded
inline constexpr int64_t kMaxSegmentBytes = 256 << 20;  // of chunks, decoded
inline constexpr size_t kMaxSegmentHeaderBytes = 4 << 10;

// A range of a chunk. Chunk 0 is the header; data begins with chunk 1.
struct Extent {
  Uid segment;
  uint32_t chunk = 0;
  uint32_t offset = 0;  // bytes, decoded
  uint32_t length = 0;  // bytes, decoded
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Bytes that stay where the engine has them until this is destroyed. Cheap to move and to copy.
class PinnedBytes {
 public:
  PinnedBytes() = default;
  PinnedBytes(absl::string_view bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  explicit PinnedBytes(std::string bytes);

  absl::string_view view() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  absl::string_view bytes_;
  std::shared_ptr<const void> owner_;
};

// Writes one segment. One thread at a time. Destroyed before Finish(), it leaves nothing behind.
// After an error of the disk every call returns that error.
class SegmentWriter {
 public:
  virtual ~SegmentWriter() = default;
  // Adds a chunk of 1 to kMaxChunkBytes bytes, which need only live until return, and returns its
  // number: 1, 2, ... OK does not mean durable, nor that the disk had room.
  // Errors: kInvalidArgument (size), kResourceExhausted (would pass kMaxSegmentBytes, or disk
  // full), kUnavailable (I/O).
  absl::StatusOr<uint32_t> Append(absl::string_view chunk);
  // On OK the segment is durable and readable. Call once, after at least one Append.
  // Errors: kResourceExhausted (disk full), kUnavailable (I/O), kFailedPrecondition with reason
  // STORE_READ_ONLY, kAborted with reason OUTCOME_UNKNOWN.
  absl::Status Finish();
  // Bytes that the segment takes on disk, about; after Finish() exactly.
  virtual int64_t stored_bytes() const = 0;

 protected:
  // `stored` is the chunk as StoreChunk makes it; number 0 is the header and comes first.
  virtual absl::Status DoAppend(uint32_t number, absl::string_view stored) = 0;
  virtual absl::Status DoFinish() = 0;

 private:
  friend class SegmentStore;
  friend class FaultySegmentWriter;  // stands between the checks here and an engine
  absl::Status AppendNext(absl::string_view chunk);

  uint32_t next_chunk_ = 0;
  int64_t chunk_bytes_ = 0;
  bool finished_ = false;
  absl::Status broken_;
  std::string stored_;  // reused from chunk to chunk
};

struct SegmentInfo {
  Uid uid;
  std::string header;  // chunk 0, as given to NewWriter
};

// Thread-safe. Methods block on disk.
class SegmentStore {
 public:
  virtual ~SegmentStore() = default;

  // A writer of segment `uid`. Requires: `uid` was never used.
  // Errors: kInvalidArgument (zero uid; header not of 1 to kMaxSegmentHeaderBytes bytes),
  // kUnavailable (I/O), kFailedPrecondition with reason STORE_READ_ONLY.
  absl::StatusOr<std::unique_ptr<SegmentWriter>> NewWriter(const Uid& uid,
                                                           absl::string_view header);

  // The extent's bytes. `verify`: compare the chunk's own crc32c first, for a caller that cannot
  // compare a sum of its own.
  // Errors: kNotFound (no such segment or chunk), kOutOfRange (past the chunk), kDataLoss
  // (damaged).
  absl::StatusOr<PinnedBytes> Read(const Extent& extent, bool verify);

  // The header, as given to NewWriter. Errors: kNotFound (no such segment), kDataLoss (damaged).
  absl::StatusOr<std::string> ReadHeader(const Uid& uid);

  // Hints that these extents are read next, in this order.
  virtual void Prefetch(absl::Span<const Extent> extents) { (void)extents; }

  // Frees segments; those that are not there are no error. What is pinned stays readable. Repeat
  // after an error.
  virtual absl::Status Remove(absl::Span<const Uid> uids) = 0;

  // May free all chunks of a segment but its header and `live` (ascending); never frees one of
  // these. A segment that is not there is no error. What is pinned stays readable. Repeat after an
  // error. Errors: kResourceExhausted (there is no room for what stays, which is written once
  // more).
  virtual absl::Status Retain(const Uid& uid, absl::Span<const uint32_t> live) = 0;

  // Bytes that a segment takes as it is stored now; 0: it is not there.
  // Errors: kUnavailable (I/O).
  virtual absl::StatusOr<int64_t> StoredBytes(const Uid& uid) = 0;

  // Visits every durable segment, in ascending order of uid, until `visit` returns false. Segments
  // that are finished or removed meanwhile may or may not be seen.
  // Errors: kDataLoss (a header is damaged), kUnavailable.
  virtual absl::Status Walk(absl::FunctionRef<bool(const SegmentInfo&)> visit) = 0;

 protected:
  virtual absl::StatusOr<std::unique_ptr<SegmentWriter>> DoNewWriter(const Uid& uid) = 0;
  // The whole chunk as it was given to DoAppend. `verify` as in Read: without it the caller
  // compares sums, so an engine need not compare its own.
  // Errors: kNotFound, kDataLoss.
  virtual absl::StatusOr<PinnedBytes> DoRead(const Uid& uid, uint32_t chunk, bool verify) = 0;

 private:
  friend class FaultySegmentStore;  // stands between the checks here and an engine
};

// The form in which every engine keeps a chunk: its bytes, then their crc32c (4 bytes,
// little-endian). Replaces `stored`.
void StoreChunk(absl::string_view chunk, std::string* stored);
// The chunk in its stored form; points into `stored`.
// Errors: kDataLoss (too short; with `verify`, another crc32c), naming the segment.
absl::StatusOr<absl::string_view> LoadChunk(const Uid& segment, uint32_t chunk,
                                            absl::string_view stored, bool verify);
// What a read of a chunk that is not there answers.
absl::Status ChunkNotFound(const Uid& segment, uint32_t chunk);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_ENGINE_SEGMENT_STORE_H_
