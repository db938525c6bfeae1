#include "storage/piece_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/status_matchers.h"
#include "storage/engine/memory/memory_segment_store.h"

namespace cairn::storage {
namespace {

using ::testing::HasSubstr;

// One row of four pieces: inline, an extent, nothing, two extents without a sum of the saver's.
class PieceReaderTest : public ::testing::Test {
 protected:
  PieceReaderTest() {
    auto writer = segments_.NewWriter(segment_, "header");
    EXPECT_OK(writer);
    EXPECT_OK((*writer)->Append("..defg.."));
    EXPECT_OK((*writer)->Append("jkhi"));
    EXPECT_OK((*writer)->Finish());
    record_.add_segments(std::string(segment_.bytes()));
    AddPiece(3)->set_inline_bytes("abc");
    AddExtent(AddPiece(4), 1, 2, 4);
    AddPiece(0);
    v1::Piece* piece = AddPiece(4);
    AddExtent(piece, 2, 2, 2);
    AddExtent(piece, 2, 0, 2);
    record_.mutable_pieces(0)->set_crc32c(Crc32c("abc"));
    record_.mutable_pieces(1)->set_crc32c(Crc32c("defg"));
  }

  v1::Piece* AddPiece(int64_t length) {
    v1::Piece* piece = record_.add_pieces();
    piece->set_length(length);
    return piece;
  }

  static void AddExtent(v1::Piece* piece, uint32_t chunk, uint32_t offset, uint32_t length) {
    v1::ChunkExtent* extent = piece->add_extents();
    extent->set_chunk(chunk);
    extent->set_offset(offset);
    extent->set_length(length);
  }

  PieceReader Reader() { return PieceReader(&segments_, "the/key", record_); }

  MemorySegmentStore segments_;
  const Uid segment_ = *Uid::FromHex("000102030405060708090a0b0c0d0e0f");
  SliceRecord record_;
};

TEST_F(PieceReaderTest, PiecesAreReadWhereverTheyAre) {
  const PieceReader reader = Reader();
  const std::vector<absl::string_view> pieces = {"abc", "defg", "", "hijk"};
  for (int i = 0; i < reader.count(); ++i) {
    ASSERT_OK_AND_ASSIGN(const PieceReader::Bytes read, reader.Read(i));
    EXPECT_EQ(read.bytes.view(), pieces[static_cast<size_t>(i)]);
    EXPECT_EQ(read.crc32c, Crc32c(read.bytes.view()));
  }
}

TEST_F(PieceReaderTest, EveryRangeIsItsBytes) {
  const absl::string_view all = "abcdefghijk";
  for (size_t begin = 0; begin < all.size(); ++begin) {
    for (size_t size = 0; begin + size <= all.size(); ++size) {
      PieceReader reader = Reader();
      std::string out = "+";
      ASSERT_OK(reader.AppendRange(static_cast<int64_t>(begin), static_cast<int64_t>(size), &out));
      EXPECT_EQ(out, "+" + std::string(all.substr(begin, size)));
    }
  }
}

TEST_F(PieceReaderTest, TheSaversSumTravelsUncompared) {
  record_.mutable_pieces(1)->set_crc32c(7);
  EXPECT_EQ(Reader().Read(1)->crc32c, 7u);
  std::string out;
  PieceReader reader = Reader();
  EXPECT_THAT(reader.AppendRange(4, 1, &out),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the/key")));
}

TEST_F(PieceReaderTest, WhatIsDamagedOrGoneIsDataLossThatNamesTheKey) {
  const auto damaged = [&](int index) {
    const absl::Status status = Reader().Read(index).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the/key")));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
  };
  v1::ChunkExtent* extent = record_.mutable_pieces(1)->mutable_extents(0);
  const v1::ChunkExtent good = *extent;
  extent->set_segment(1);
  damaged(1);
  *extent = good;
  extent->set_chunk(9);
  damaged(1);
  *extent = good;
  extent->set_offset(0xffffffff);
  damaged(1);
  *extent = good;
  extent->set_length(3);
  damaged(1);
  *extent = good;
  ASSERT_TRUE(segments_.FlipBitForTest(segment_, 2, 0));
  damaged(3);
  record_.set_segments(0, "short");
  damaged(1);
}

}  // namespace
}  // namespace cairn::storage
