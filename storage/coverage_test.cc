#include "storage/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "storage/slice_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CoverageTest : public SliceFixture {
 protected:
  void SavePart(absl::string_view key, std::vector<int64_t> shape, Box box, bool partial = false,
                std::string writer_name = "rank-0", std::string dtype = "int8") {
    SliceSpec slice = Whole(std::string(key), std::move(dtype), std::move(shape));
    slice.box = std::move(box);
    slice.partial = partial;
    const auto writer = NewWriter(std::move(writer_name));
    ASSERT_OK(Send(writer.get(), slice, std::string(static_cast<size_t>(Volume(slice.box)), 'x')));
    ASSERT_OK(writer->Finish());
  }
};

TEST_F(CoverageTest, CountsWhatACompleteManifestHolds) {
  SavePart("a", {4}, {{0}, {2}}, false, "rank-0");
  SavePart("a", {4}, {{2}, {2}}, false, "rank-1");
  SavePart("b", {0}, {{0}, {0}}, false, "rank-1");
  ASSERT_OK_AND_ASSIGN(const ManifestSummary summary, CheckCoverage(&table_, manifest_));
  EXPECT_EQ(summary.tensor_count, 2);
  EXPECT_EQ(summary.attachment_count, 0);
  EXPECT_EQ(summary.slice_count, 3);
  EXPECT_EQ(summary.logical_bytes, 4);
  EXPECT_EQ(summary.stored_bytes, 4);
  EXPECT_EQ(summary.row_count, 3);
  EXPECT_EQ(summary.slices_by_writer,
            (std::map<std::string, int64_t>{{"rank-0", 1}, {"rank-1", 2}}));
}

TEST_F(CoverageTest, AnEmptyManifestIsComplete) {
  EXPECT_EQ(CheckCoverage(&table_, manifest_)->row_count, 0);
}

TEST_F(CoverageTest, TheHashTellsOfEveryRow) {
  SavePart("a", {4}, {{0}, {4}});
  const uint64_t one = CheckCoverage(&table_, manifest_)->rows_xxh3;
  EXPECT_EQ(CheckCoverage(&table_, manifest_)->rows_xxh3, one);
  SavePart("b", {4}, {{0}, {4}});
  EXPECT_NE(CheckCoverage(&table_, manifest_)->rows_xxh3, one);
}

TEST_F(CoverageTest, AHoleIsNamed) {
  SavePart("good", {4}, {{0}, {4}});
  SavePart("w", {4, 2}, {{0, 0}, {4, 1}});
  SavePart("w", {4, 2}, {{0, 1}, {3, 1}});
  const absl::Status status = CheckCoverage(&table_, manifest_).status();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SLICES_MISSING));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("w"), HasSubstr("[3:4, 1:2]"))));
}

TEST_F(CoverageTest, AnOverlapIsNamedWithBothWriters) {
  SavePart("w", {4}, {{0}, {3}}, false, "rank-0");
  SavePart("w", {4}, {{2}, {2}}, false, "rank-1");
  const absl::Status status = CheckCoverage(&table_, manifest_).status();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SLICES_OVERLAP));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("[0:3] by writer rank-0"),
                                     HasSubstr("[2:4] by writer rank-1"))));
}

TEST_F(CoverageTest, APartialTensorMayHaveHolesButNoOverlaps) {
  SavePart("w", {9}, {{0}, {2}}, /*partial=*/true);
  SavePart("w", {9}, {{4}, {2}}, /*partial=*/true);
  EXPECT_OK(CheckCoverage(&table_, manifest_));
  SavePart("w", {9}, {{5}, {2}}, /*partial=*/true);
  EXPECT_THAT(CheckCoverage(&table_, manifest_),
              HasReason(ErrorReason::ERROR_REASON_SLICES_OVERLAP));
}

TEST_F(CoverageTest, SlicesOfATensorAgreeOnShapeDtypeAndPartial) {
  const auto disagree = [&](absl::string_view what) {
    EXPECT_THAT(CheckCoverage(&table_, manifest_),
                AllOf(HasReason(ErrorReason::ERROR_REASON_SLICES_DISAGREE),
                      StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr(what), HasSubstr("rank-0"), HasSubstr("rank-1")))));
    ASSERT_OK(table_.ErasePartition(Partition::Manifest(manifest_)));
  };
  SavePart("w", {4}, {{0}, {2}}, false, "rank-0");
  SavePart("w", {5}, {{2}, {3}}, false, "rank-1");
  disagree("shape");
  SavePart("w", {4}, {{0}, {2}}, false, "rank-0");
  SavePart("w", {4}, {{2}, {2}}, false, "rank-1", "uint8");
  disagree("dtype");
  SavePart("w", {4}, {{0}, {2}}, false, "rank-0");
  SavePart("w", {4}, {{2}, {2}}, true, "rank-1");
  disagree("partial");
}

TEST_F(CoverageTest, APartThatNeverCameIsMissing) {
  const int64_t size = kPartBytes + 1;
  const auto writer = NewWriter();
  ASSERT_OK(writer->Append(Whole("w", "int8", {size}), kPartBytes, {"x"}, std::nullopt));
  ASSERT_OK(writer->Finish());
  EXPECT_THAT(
      CheckCoverage(&table_, manifest_),
      AllOf(HasReason(ErrorReason::ERROR_REASON_SLICES_MISSING),
            StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("from 0 on to 268435456"))));
}

TEST_F(CoverageTest, TheEndOfASliceThatNeverCameIsMissing) {
  // A part of a larger slice, as it stands after a stream broke.
  SliceRecord record;
  record.set_dtype("int8");
  record.add_shape(kPartBytes + 1);
  record.add_start(0);
  record.add_length(kPartBytes + 1);
  record.set_end(kPartBytes);
  record.set_slice_bytes(kPartBytes + 1);
  Batch batch{.partition = Partition::Manifest(manifest_)};
  batch.Put(EncodeSliceKey(TensorKind::kTensor, "w", WholeBox({kPartBytes + 1}), 0),
            record.SerializeAsString());
  ASSERT_OK(table_.Write(batch));
  EXPECT_THAT(CheckCoverage(&table_, manifest_),
              HasReason(ErrorReason::ERROR_REASON_SLICES_MISSING));
}

TEST_F(CoverageTest, ARowThatIsNoneIsDataLoss) {
  Batch batch{.partition = Partition::Manifest(manifest_)};
  batch.Put("\x07", "?");
  ASSERT_OK(table_.Write(batch));
  EXPECT_THAT(CheckCoverage(&table_, manifest_), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cairn::storage
