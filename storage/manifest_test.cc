#include "storage/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status_matchers.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ManifestTest : public ::testing::Test {
 protected:
  void Put(std::string key, std::string value) {
    Batch batch{.partition = Partition::Manifest(manifest_)};
    batch.Put(std::move(key), std::move(value));
    ASSERT_OK(table_.Write(batch));
  }

  static Row SliceOf(const SliceRecord& record) {
    const Box box{{4}, {2}};
    return {EncodeSliceKey(TensorKind::kTensor, "w", box, PartNumber(record.begin())),
            record.SerializeAsString()};
  }

  static SliceRecord GoodRecord() {
    SliceRecord record;
    record.set_dtype("float32");
    record.add_shape(8);
    record.add_start(4);
    record.add_length(2);
    record.set_begin(0);
    record.set_end(8);
    record.set_slice_bytes(8);
    return record;
  }

  MemoryTable table_;
  const Uid manifest_ = *Uid::FromHex("11111111111111111111111111111111");
};

TEST_F(ManifestTest, ForEachRowVisitsAllPagesOfTheRangeInOrder) {
  for (int i = 0; i < 2500; ++i) {
    Put(EncodeSliceKey(TensorKind::kTensor, "w", Box{{i}, {1}}, 0), "v");
  }
  Put(EncodeSegmentKey(Uid()), "v");
  int64_t next = 0;
  ASSERT_OK(ForEachRow(&table_, manifest_, RowsOfKind(TensorKind::kTensor), [&](const Row& row) {
    EXPECT_EQ(DecodeSliceKey(row.key)->box.start[0], next++);
    return absl::OkStatus();
  }));
  EXPECT_EQ(next, 2500);
}

TEST_F(ManifestTest, ForEachRowStopsAtTheVisitorsError) {
  Put(EncodeSegmentKey(Uid()), "v");
  EXPECT_THAT(ForEachRow(&table_, manifest_, RowsOfSegments(),
                         [&](const Row&) { return absl::CancelledError("enough"); }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ManifestTest, ParseSliceRowTakesARowOfTheWriter) {
  ASSERT_OK_AND_ASSIGN(const SliceRow slice, ParseSliceRow(SliceOf(GoodRecord())));
  EXPECT_EQ(slice.key.key, "w");
  EXPECT_EQ(slice.record.dtype(), "float32");
}

TEST_F(ManifestTest, ParseSliceRowRefusesWhatContradictsItsKey) {
  SliceRecord record = GoodRecord();
  record.set_length(0, 3);
  EXPECT_THAT(ParseSliceRow(SliceOf(record)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("disagree")));
  record = GoodRecord();
  record.add_shape(1);
  EXPECT_THAT(ParseSliceRow(SliceOf(record)), StatusIs(absl::StatusCode::kDataLoss));
  record = GoodRecord();
  record.set_end(-1);
  EXPECT_THAT(ParseSliceRow(SliceOf(record)), StatusIs(absl::StatusCode::kDataLoss));
  Row row = SliceOf(GoodRecord());
  row.key.back() = '\1';
  EXPECT_THAT(ParseSliceRow(row), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseSliceRow({row.key, "\xff"}),
              HasReason(ErrorReason::ERROR_REASON_STORED_DATA_CORRUPT));
  EXPECT_THAT(ParseSliceRow({EncodeSegmentKey(Uid()), row.value}),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ManifestTest, SegmentsOfListsTheSegmentRowsOnly) {
  const Uid a = *Uid::FromHex("0000000000000000000000000000000a");
  const Uid b = *Uid::FromHex("0000000000000000000000000000000b");
  EXPECT_THAT(SegmentsOf(&table_, manifest_), IsOkAndHolds(IsEmpty()));
  Put(EncodeSegmentKey(b), "v");
  Put(EncodeSegmentKey(a), "v");
  Put(EncodeSliceKey(TensorKind::kTensor, "w", Box(), 0), "v");
  EXPECT_THAT(SegmentsOf(&table_, manifest_), IsOkAndHolds(ElementsAre(a, b)));
}

TEST_F(ManifestTest, TheEndRowHoldsCountAndHash) {
  Put(EncodeSegmentKey(Uid()), "v");
  ManifestSummary summary;
  summary.row_count = 7;
  summary.rows_xxh3 = 0xfeedfacefeedface;
  ASSERT_OK(WriteManifestEnd(&table_, manifest_, summary));
  ASSERT_OK_AND_ASSIGN(const std::optional<std::string> value,
                       table_.Get(Partition::Manifest(manifest_), kEndRow));
  v1::EndRecord end;
  ASSERT_TRUE(end.ParseFromString(value.value()));
  EXPECT_EQ(end.row_count(), 7);
  EXPECT_EQ(end.rows_xxh3(), 0xfeedfacefeedface);
}

}  // namespace
}  // namespace cairn::storage
