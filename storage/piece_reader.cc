#include "storage/piece_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"

namespace cairn::storage {

PieceReader::PieceReader(SegmentStore* segments, std::string key, const SliceRecord& record)
    : segments_(segments), key_(std::move(key)), record_(record), begins_{0} {
  for (const v1::Piece& piece : record_.pieces()) {
    begins_.push_back(begins_.back() + piece.length());
  }
}

absl::StatusOr<PieceReader::Bytes> PieceReader::Read(int index) const {
  const v1::Piece& piece = record_.pieces(index);
  Bytes read;
  CAIRN_ASSIGN_OR_RETURN(read.bytes, ReadBytes(piece, /*verify=*/!piece.has_crc32c()));
  read.crc32c = piece.has_crc32c() ? piece.crc32c() : Crc32c(read.bytes.view());
  return read;
}

absl::Status PieceReader::AppendRange(int64_t offset, int64_t size, std::string* out) {
  // The last piece that begins at or before `offset`; pieces without bytes hold none of it.
  auto index = static_cast<int>(std::upper_bound(begins_.begin(), begins_.end(), offset) -
                                begins_.begin() - 1);
  for (; size > 0; ++index) {
    CAIRN_CHECK(index < count());
    if (index != cached_index_) {
      CAIRN_ASSIGN_OR_RETURN(cached_, ReadBytes(record_.pieces(index), /*verify=*/true));
      cached_index_ = index;
    }
    const absl::string_view some = cached_.view().substr(
        static_cast<size_t>(offset - begins_[index]), static_cast<size_t>(size));
    out->append(some.data(), some.size());
    offset += static_cast<int64_t>(some.size());
    size -= static_cast<int64_t>(some.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<PinnedBytes> PieceReader::ReadBytes(const v1::Piece& piece, bool verify) const {
  PinnedBytes bytes;
  if (piece.extents_size() == 0) {
    bytes = PinnedBytes(piece.inline_bytes());
  } else if (piece.extents_size() == 1) {
    CAIRN_ASSIGN_OR_RETURN(bytes, ReadExtent(piece.extents(0), verify));
  } else {
    std::string joined;
    for (const v1::ChunkExtent& extent : piece.extents()) {
      CAIRN_ASSIGN_OR_RETURN(const PinnedBytes some, ReadExtent(extent, verify));
      joined.append(some.view().data(), some.view().size());
    }
    bytes = PinnedBytes(std::move(joined));
  }
  if (static_cast<int64_t>(bytes.view().size()) != piece.length()) {
    return Damaged(
        absl::StrCat("a piece has ", bytes.view().size(), " bytes of its ", piece.length()));
  }
  if (verify && piece.has_crc32c() && Crc32c(bytes.view()) != piece.crc32c()) {
    return Damaged("a piece does not have the crc32c that its saver summed");
  }
  return bytes;
}

absl::StatusOr<PinnedBytes> PieceReader::ReadExtent(const v1::ChunkExtent& extent,
                                                    bool verify) const {
  if (extent.segment() >= static_cast<uint32_t>(record_.segments_size())) {
    return Damaged("an extent names no segment");
  }
  const std::optional<Uid> segment =
      Uid::FromBytes(record_.segments(static_cast<int>(extent.segment())));
  if (!segment) return Damaged("a segment has no uid");
  absl::StatusOr<PinnedBytes> bytes =
      segments_->Read({*segment, extent.chunk(), extent.offset(), extent.length()}, verify);
  switch (bytes.status().code()) {
    case absl::StatusCode::kOk:
      return bytes;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInvalidArgument:
      return Damaged(bytes.status().message());
    default:
      return WithContext(bytes.status(), absl::StrCat("reading ", key_));
  }
}

absl::Status PieceReader::Damaged(absl::string_view found) const {
  return MakeError(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT, absl::StatusCode::kDataLoss,
                   absl::StrCat("cannot read ", key_, ": ", found,
                                "; restore another checkpoint, or the store from a backup"),
                   {{"key", key_}});
}

}  // namespace cairn::storage
