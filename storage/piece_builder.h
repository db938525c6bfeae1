// Gathers the bytes of one piece and sums them on the way: every byte is copied once and read once
// by each sum while it is in the cache.
#ifndef CAIRN_STORAGE_PIECE_BUILDER_H_
#define CAIRN_STORAGE_PIECE_BUILDER_H_

#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/store.h"

namespace cairn::storage {

// One thread at a time. Keeps its memory from piece to piece.
class PieceBuilder {
 public:
  PieceBuilder();
  PieceBuilder(const PieceBuilder&) = delete;
  PieceBuilder& operator=(const PieceBuilder&) = delete;

  // Requires: size() + bytes.size() <= kPieceBytes.
  void Append(absl::string_view bytes);

  // Crc32c and number of the bytes appended since the last call or Clear(): a message's, which its
  // sender summed too. The piece's own sum is made from these, without another pass over the bytes.
  struct Section {
    uint32_t crc32c = 0;
    int64_t bytes = 0;
  };
  Section EndSection();

  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  absl::string_view bytes() const { return bytes_; }

  // Length and sums of the piece; not where its bytes are. Call EndSection() first.
  v1::Piece Describe() const;
  void Clear();

 private:
  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  std::string bytes_;
  uint32_t crc32c_ = 0;  // of the sections that ended
  Section section_;
  std::unique_ptr<XXH3_state_t, FreeState> xxh3_;
};

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_PIECE_BUILDER_H_
