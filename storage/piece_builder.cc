#include "storage/piece_builder.h"

#include <utility>

#include "base/crc32c.h"
#include "base/error.h"

namespace cairn::storage {
namespace {

// A stretch that stays in the nearest caches while it is copied and summed twice.
constexpr size_t kStretchBytes = 16 << 10;

}  // namespace

PieceBuilder::PieceBuilder() : xxh3_(XXH3_createState()) { Clear(); }

void PieceBuilder::Append(absl::string_view bytes) {
  CAIRN_CHECK(bytes_.size() + bytes.size() <= static_cast<size_t>(kPieceBytes));
  section_.bytes += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    const absl::string_view stretch = bytes.substr(0, kStretchBytes);
    bytes_.append(stretch.data(), stretch.size());
    section_.crc32c = ExtendCrc32c(section_.crc32c, stretch);
    XXH3_128bits_update(xxh3_.get(), stretch.data(), stretch.size());
    bytes.remove_prefix(stretch.size());
  }
}

PieceBuilder::Section PieceBuilder::EndSection() {
  const bool first = section_.bytes == size();
  crc32c_ = first ? section_.crc32c
                  : ConcatCrc32c(crc32c_, section_.crc32c, static_cast<uint64_t>(section_.bytes));
  return std::exchange(section_, Section());
}

v1::Piece PieceBuilder::Describe() const {
  CAIRN_CHECK(section_.bytes == 0);
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(xxh3_.get()));
  v1::Piece piece;
  piece.set_length(size());
  piece.set_crc32c(crc32c_);
  piece.set_xxh3_128(digest.digest, sizeof(digest.digest));
  return piece;
}

void PieceBuilder::Clear() {
  bytes_.clear();
  crc32c_ = 0;
  section_ = Section();
  XXH3_128bits_reset(xxh3_.get());
}

}  // namespace cairn::storage
