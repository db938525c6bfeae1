#include "storage/slice_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/manifest.h"

namespace cairn::storage {
namespace {

class SliceRowsTest : public ::testing::Test {
 protected:
  // Row `i` of a tensor, whose bytes are chunk i + 1 of the segment.
  SliceRowToWrite SomeRow(int i, const std::string& digest = "digest") {
    SliceRowToWrite row;
    row.row_key = EncodeSliceKey(TensorKind::kTensor, "w", Box{{i}, {1}}, 0);
    row.record.set_dtype("int8");
    row.record.add_shape(100000);
    row.record.add_start(i);
    row.record.add_length(1);
    row.record.set_end(1);
    row.record.set_slice_bytes(1);
    row.record.add_segments(std::string(segment_.uid.bytes()));
    v1::Piece* piece = row.record.add_pieces();
    piece->set_length(1);
    piece->set_xxh3_128(digest);
    v1::ChunkExtent* extent = piece->add_extents();
    extent->set_chunk(static_cast<uint32_t>(i) + 1);
    extent->set_length(1);
    return row;
  }

  std::vector<SliceRowToWrite> SomeRows(int count) {
    std::vector<SliceRowToWrite> rows;
    for (int i = count; i > 0; --i) rows.push_back(SomeRow(i - 1));
    segment_.chunk_count = static_cast<uint32_t>(count);
    segment_.bytes = count;
    segment_.stored_bytes = 5 * count;
    return rows;
  }

  int CountRows(const KeyRange& range) {
    int count = 0;
    EXPECT_OK(ForEachRow(&table_, manifest_, range, [&](const Row&) {
      ++count;
      return absl::OkStatus();
    }));
    return count;
  }

  std::optional<v1::SegmentUse> Use() {
    const auto value = table_.Get(Partition::Manifest(manifest_), EncodeSegmentKey(segment_.uid));
    EXPECT_OK(value);
    if (!value.ok() || !value->has_value()) return std::nullopt;
    v1::SegmentUse use;
    EXPECT_TRUE(use.ParseFromString(**value));
    return use;
  }

  MemoryTable table_;
  const Uid manifest_ = *Uid::FromHex("11111111111111111111111111111111");
  FinishedSegment segment_{.uid = *Uid::FromHex("22222222222222222222222222222222"),
                           .owner = *Uid::FromHex("33333333333333333333333333333333")};
};

TEST_F(SliceRowsTest, ThousandsOfRowsAreWrittenOverManyBatches) {
  std::vector<SliceRowToWrite> rows = SomeRows(5000);
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, rows, segment_), IsOkAndHolds(true));
  EXPECT_EQ(CountRows(RowsOfKind(TensorKind::kTensor)), 5000);
  ASSERT_TRUE(Use());
  EXPECT_EQ(Use()->stored_bytes(), 25000);
  EXPECT_EQ(Use()->owner_directory_uid(), segment_.owner.bytes());
}

TEST_F(SliceRowsTest, RowsThatAreThereAlreadyFreeTheirChunks) {
  ASSERT_OK(WriteSliceRows(&table_, manifest_, SomeRows(3000), std::nullopt));
  segment_.uid = *Uid::FromHex("44444444444444444444444444444444");
  std::vector<SliceRowToWrite> rows = SomeRows(3001);
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, rows, segment_), IsOkAndHolds(true));
  EXPECT_EQ(CountRows(RowsOfKind(TensorKind::kTensor)), 3001);
  ASSERT_TRUE(Use());
  EXPECT_EQ(Use()->stored_bytes(), 5);
  std::string only_last(3002 / 8 + 1, '\0');
  only_last[3001 / 8] = static_cast<char>(1 << 3001 % 8);
  EXPECT_EQ(Use()->chunks(), only_last);
}

TEST_F(SliceRowsTest, ASegmentThatNothingNeedsHasNoRow) {
  ASSERT_OK(WriteSliceRows(&table_, manifest_, SomeRows(700), std::nullopt));
  segment_.uid = *Uid::FromHex("44444444444444444444444444444444");
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, SomeRows(700), segment_), IsOkAndHolds(false));
  EXPECT_EQ(CountRows(RowsOfSegments()), 0);
}

TEST_F(SliceRowsTest, ASegmentOfPartsThatGoOnIsListedWithoutAnyRow) {
  SomeRows(3);
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, {}, segment_), IsOkAndHolds(true));
  ASSERT_TRUE(Use());
  EXPECT_EQ(Use()->chunks(), std::string(1, 0x0e));
}

TEST_F(SliceRowsTest, NothingAtAllIsFine) {
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, {}, std::nullopt), IsOkAndHolds(false));
  EXPECT_EQ(CountRows(KeyRange{}), 0);
}

TEST_F(SliceRowsTest, WhoSavesASliceAfterAnotherIsNotedOnce) {
  const auto rows_of = [&](const std::string& writer) {
    std::vector<SliceRowToWrite> rows = SomeRows(700);
    for (SliceRowToWrite& row : rows) row.record.set_writer(writer);
    return rows;
  };
  for (const char* writer : {"a", "b", "a", "b", "c"}) {
    ASSERT_OK(WriteSliceRows(&table_, manifest_, rows_of(writer), std::nullopt));
  }
  EXPECT_EQ(CountRows(RowsOfKind(TensorKind::kTensor)), 700);
  EXPECT_EQ(CountRows(RowsResavedBy("a")), 0);
  EXPECT_EQ(CountRows(RowsResavedBy("b")), 700);
  EXPECT_EQ(CountRows(RowsResavedBy("c")), 700);
}

TEST_F(SliceRowsTest, OtherDigestsAreAConflict) {
  SomeRows(1);
  ASSERT_OK(WriteSliceRows(&table_, manifest_, {SomeRow(0)}, segment_));
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, {SomeRow(0, "other")}, std::nullopt),
              HasReason(ErrorReason::ERROR_REASON_SLICE_CONFLICT));
  EXPECT_THAT(WriteSliceRows(&table_, manifest_, {SomeRow(1, "x"), SomeRow(1, "y")}, std::nullopt),
              HasReason(ErrorReason::ERROR_REASON_SLICE_CONFLICT));
}

}  // namespace
}  // namespace cairn::storage
