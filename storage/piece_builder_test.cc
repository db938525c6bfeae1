#include "storage/piece_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace cairn::storage {
namespace {

std::string Digest(absl::string_view bytes) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes.data(), bytes.size()));
  return std::string(reinterpret_cast<const char*>(digest.digest), sizeof(digest.digest));
}

TEST(PieceBuilderTest, SumsOfSectionsAndPieceAreThoseOfTheBytes) {
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 3);
  const absl::string_view view = bytes;
  PieceBuilder piece;
  for (int round = 0; round < 2; ++round) {
    piece.Append(view.substr(0, 7));
    piece.Append(view.substr(7, 39993));
    const PieceBuilder::Section first = piece.EndSection();
    EXPECT_EQ(first.bytes, 40000);
    EXPECT_EQ(first.crc32c, Crc32c(view.substr(0, 40000)));
    piece.Append(view.substr(40000));
    EXPECT_EQ(piece.EndSection().crc32c, Crc32c(view.substr(40000)));
    const v1::Piece described = piece.Describe();
    EXPECT_EQ(described.length(), 100000);
    EXPECT_EQ(described.crc32c(), Crc32c(view));
    EXPECT_EQ(described.xxh3_128(), Digest(view));
    EXPECT_EQ(piece.bytes(), view);
    piece.Clear();
    EXPECT_EQ(piece.size(), 0);
  }
}

TEST(PieceBuilderTest, NothingHasTheSumsOfNothing) {
  PieceBuilder piece;
  piece.Append("");
  EXPECT_EQ(piece.EndSection().crc32c, 0u);
  EXPECT_EQ(piece.Describe().crc32c(), 0u);
  EXPECT_EQ(piece.Describe().xxh3_128(), Digest(""));
}

}  // namespace
}  // namespace cairn::storage
