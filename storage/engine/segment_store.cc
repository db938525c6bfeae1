#include "storage/engine/segment_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

constexpr size_t kSumBytes = 4;

absl::Status ChunkDamaged(const Uid& segment, uint32_t chunk, absl::string_view found) {
  return MakeError(
      ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
      absl::StrCat("chunk ", chunk, " of segment ", segment.ToHex(), " is damaged: ", found),
      {{"key", absl::StrCat(segment.ToHex(), "/", chunk)}});
}

}  // namespace

void StoreChunk(absl::string_view chunk, std::string* stored) {
  // Summed while each block is still in the cache from its copy.
  constexpr size_t kBlockBytes = 32 << 10;
  stored->clear();
  stored->reserve(chunk.size() + kSumBytes);
  uint32_t crc = 0;
  for (size_t at = 0; at < chunk.size(); at += kBlockBytes) {
    const absl::string_view block = chunk.substr(at, kBlockBytes);
    stored->append(block.data(), block.size());
    crc = ExtendCrc32c(crc, block);
  }
  for (size_t i = 0; i < kSumBytes; ++i) stored->push_back(static_cast<char>(crc >> (8 * i)));
}

absl::StatusOr<absl::string_view> LoadChunk(const Uid& segment, uint32_t chunk,
                                            absl::string_view stored, bool verify) {
  if (stored.size() < kSumBytes) {
    return ChunkDamaged(segment, chunk, absl::StrCat("it has ", stored.size(), " bytes"));
  }
  const absl::string_view bytes = stored.substr(0, stored.size() - kSumBytes);
  if (!verify) return bytes;
  uint32_t expected = 0;
  for (size_t i = 0; i < kSumBytes; ++i) {
    expected |= uint32_t{static_cast<uint8_t>(stored[bytes.size() + i])} << (8 * i);
  }
  if (const uint32_t found = Crc32c(bytes); found != expected) {
    return ChunkDamaged(segment, chunk,
                        absl::StrCat("crc32c ", absl::Hex(found, absl::kZeroPad8), ", stored with ",
                                     absl::Hex(expected, absl::kZeroPad8)));
  }
  return bytes;
}

absl::Status ChunkNotFound(const Uid& segment, uint32_t chunk) {
  return absl::NotFoundError(
      absl::StrCat("there is no chunk ", chunk, " of segment ", segment.ToHex()));
}

PinnedBytes::PinnedBytes(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  bytes_ = *owner;
  owner_ = std::move(owner);
}

absl::StatusOr<uint32_t> SegmentWriter::Append(absl::string_view chunk) {
  CAIRN_RETURN_IF_ERROR(broken_);
  CAIRN_CHECK(!finished_);
  if (chunk.empty() || chunk.size() > kMaxChunkBytes) {
    return absl::InvalidArgumentError(absl::StrCat("cannot store a chunk of ", chunk.size(),
                                                   " bytes: chunks have 1 to ", kMaxChunkBytes));
  }
  const int64_t size = static_cast<int64_t>(chunk.size());
  if (chunk_bytes_ + size > kMaxSegmentBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot store a chunk of ", size, " bytes: the segment has ", chunk_bytes_,
                     " of up to ", kMaxSegmentBytes, "; finish it and begin another"));
  }
  CAIRN_RETURN_IF_ERROR(AppendNext(chunk));
  chunk_bytes_ += size;
  return next_chunk_ - 1;
}

absl::Status SegmentWriter::AppendNext(absl::string_view chunk) {
  StoreChunk(chunk, &stored_);
  broken_ = DoAppend(next_chunk_, stored_);
  CAIRN_RETURN_IF_ERROR(broken_);
  ++next_chunk_;
  return absl::OkStatus();
}

absl::Status SegmentWriter::Finish() {
  CAIRN_RETURN_IF_ERROR(broken_);
  CAIRN_CHECK(!finished_ && next_chunk_ > 1);
  finished_ = true;
  broken_ = DoFinish();
  return broken_;
}

absl::StatusOr<std::unique_ptr<SegmentWriter>> SegmentStore::NewWriter(const Uid& uid,
                                                                       absl::string_view header) {
  if (uid.is_zero())
    return absl::InvalidArgumentError("cannot begin a segment: its uid is all zeros");
  if (header.empty() || header.size() > kMaxSegmentHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot begin segment ", uid.ToHex(), ": its header has ", header.size(),
                     " bytes, headers have 1 to ", kMaxSegmentHeaderBytes));
  }
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<SegmentWriter> writer, DoNewWriter(uid));
  CAIRN_RETURN_IF_ERROR(writer->AppendNext(header));
  return writer;
}

absl::StatusOr<PinnedBytes> SegmentStore::Read(const Extent& extent, bool verify) {
  CAIRN_ASSIGN_OR_RETURN(const PinnedBytes stored, DoRead(extent.segment, extent.chunk, verify));
  CAIRN_ASSIGN_OR_RETURN(const absl::string_view chunk,
                         LoadChunk(extent.segment, extent.chunk, stored.view(), verify));
  if (uint64_t{extent.offset} + extent.length > chunk.size()) {
    return absl::OutOfRangeError(absl::StrCat(
        "cannot read ", extent.length, " bytes from ", extent.offset, " of chunk ", extent.chunk,
        " of segment ", extent.segment.ToHex(), ": it has ", chunk.size(), " bytes"));
  }
  return PinnedBytes(chunk.substr(extent.offset, extent.length), stored.owner());
}

absl::StatusOr<std::string> SegmentStore::ReadHeader(const Uid& uid) {
  CAIRN_ASSIGN_OR_RETURN(const PinnedBytes stored, DoRead(uid, 0, /*verify=*/true));
  CAIRN_ASSIGN_OR_RETURN(const absl::string_view header,
                         LoadChunk(uid, 0, stored.view(), /*verify=*/true));
  return std::string(header);
}

}  // namespace cairn::storage
