#include "storage/slice_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/coverage.h"
#include "storage/slice_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SliceWriterTest : public SliceFixture {
 protected:
  // What the rows say of a slice, byte for byte.
  std::string Stored(const SliceRecord& record) {
    std::string bytes;
    for (const v1::Piece& piece : record.pieces()) {
      std::string some = piece.inline_bytes();
      for (const v1::ChunkExtent& extent : piece.extents()) {
        const Uid segment = *Uid::FromBytes(record.segments(extent.segment()));
        const auto read = segments_.Read(
            {segment, extent.chunk(), extent.offset(), extent.length()}, /*verify=*/true);
        EXPECT_OK(read);
        some.append(read->view().data(), read->view().size());
      }
      EXPECT_EQ(some.size(), piece.length());
      EXPECT_EQ(Crc32c(some), piece.crc32c());
      bytes += some;
    }
    return bytes;
  }

  v1::SegmentUse UseOf(const Uid& segment) {
    v1::SegmentUse use;
    const auto value = table_.Get(Partition::Manifest(manifest_), EncodeSegmentKey(segment));
    EXPECT_TRUE(value.ok() && value->has_value() && use.ParseFromString(**value));
    return use;
  }
};

TEST_F(SliceWriterTest, ASmallStreamStaysInItsRows) {
  const std::string bytes = SomeBytes(400, 1);
  const auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("w", "float32", {100}), bytes, 33));
  EXPECT_THAT(SliceRows(), IsEmpty());
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].key.key, "w");
  EXPECT_EQ(rows[0].record.writer(), "rank-0");
  EXPECT_EQ(Stored(rows[0].record), bytes);
  EXPECT_THAT(StoredSegments(), IsEmpty());
  EXPECT_EQ(writer->progress().durable_parts, 1);
  EXPECT_EQ(writer->progress().durable_bytes, 400);
  EXPECT_EQ(writer->progress().stored_bytes, 400);
}

TEST_F(SliceWriterTest, ALargePartOfASmallStreamGoesToASegment) {
  const std::string small = SomeBytes(100, 1);
  const std::string large = SomeBytes(kMaxInlinePartBytes + 1, 2);
  const auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("large", "int8", {kMaxInlinePartBytes + 1}), large));
  ASSERT_OK(Send(writer.get(), Whole("small", "int8", {100}), small));
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_THAT(rows[0].record.segments(), SizeIs(1));
  EXPECT_EQ(Stored(rows[0].record), large);
  EXPECT_THAT(rows[1].record.segments(), IsEmpty());
  EXPECT_EQ(Stored(rows[1].record), small);
  EXPECT_THAT(SegmentsOf(&table_, manifest_), IsOkAndHolds(StoredSegments()));
}

TEST_F(SliceWriterTest, AStreamOfAMebibytePutsEverythingIntoASegment) {
  const int64_t size = 3 * kPieceBytes + 5;
  const std::string small = SomeBytes(100, 1);
  const std::string large = SomeBytes(size, 2);
  const auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("a", "int8", {100}), small));
  ASSERT_OK(Send(writer.get(), Whole("b", "int8", {size}), large, 700001));
  ASSERT_OK(Send(writer.get(), Whole("c", "int8", {100}), small));
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(Stored(rows[0].record), small);
  EXPECT_EQ(Stored(rows[1].record), large);
  EXPECT_EQ(Stored(rows[2].record), small);
  ASSERT_THAT(rows[1].record.pieces(), SizeIs(4));
  EXPECT_EQ(rows[1].record.pieces(0).length(), kPieceBytes);
  EXPECT_EQ(rows[1].record.pieces(3).length(), 5);
  const std::vector<Uid> segments = StoredSegments();
  ASSERT_THAT(segments, SizeIs(1));
  const v1::SegmentUse use = UseOf(segments[0]);
  EXPECT_EQ(use.chunks(), std::string(1, 0x7e));  // 1 to 6
  EXPECT_EQ(use.owner_directory_uid(), directory_.bytes());
  EXPECT_GE(use.stored_bytes(), size + 200);
  EXPECT_EQ(writer->progress().durable_bytes, size + 200);
}

TEST_F(SliceWriterTest, SmallPartsStayInlineHoweverManyWhenAsked) {
  const std::string large = SomeBytes(2 * kPieceBytes, 9);
  const auto writer = NewWriter("rank-0", /*inline_parts=*/true);
  const std::string small = SomeBytes(kMaxInlinePartBytes, 7);
  for (int i = 0; i < 300; ++i) {
    const SliceSpec slice = Whole(absl::StrCat("small-", i), "int8", {kMaxInlinePartBytes});
    ASSERT_OK(Send(writer.get(), slice, small));
  }
  ASSERT_OK(Send(writer.get(), Whole("large", "int8", {2 * kPieceBytes}), large));
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(301));
  for (const SliceRow& row : rows) {
    EXPECT_EQ(row.record.segments_size(), row.key.key == "large" ? 1 : 0);
    EXPECT_EQ(Stored(row.record), row.key.key == "large" ? large : small);
  }
}

TEST_F(SliceWriterTest, PartsEndAtTheirBoundaryAndCrossSegments) {
  // The second slice begins within the first segment and its first part ends in the second one.
  const int64_t first = 10 * kPieceBytes;
  const int64_t second = kPartBytes + kPieceBytes + 3;
  const std::string mebibyte = SomeBytes(kPieceBytes, 3);
  const auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("a", "int8", {first}),
                 std::string(static_cast<size_t>(first), 'a')));
  const SliceSpec slice = Whole("b", "int8", {second});
  for (int64_t offset = 0; offset < second; offset += kPieceBytes) {
    const absl::string_view message = absl::string_view(mebibyte).substr(0, second - offset);
    ASSERT_OK(writer->Append(slice, offset, {message}, std::nullopt));
  }
  EXPECT_EQ(writer->progress().durable_parts, 1);
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[1].key.part, 0u);
  EXPECT_EQ(rows[1].record.end(), kPartBytes);
  EXPECT_THAT(rows[1].record.segments(), SizeIs(2));
  EXPECT_EQ(rows[2].key.part, PartNumber(kPartBytes));
  EXPECT_EQ(rows[2].record.begin(), kPartBytes);
  EXPECT_EQ(rows[2].record.end(), second);
  EXPECT_EQ(rows[2].record.slice_bytes(), second);
  EXPECT_EQ(Stored(rows[2].record), mebibyte + mebibyte.substr(0, 3));
  ASSERT_OK_AND_ASSIGN(const ManifestSummary summary, CheckCoverage(&table_, manifest_));
  EXPECT_EQ(summary.slice_count, 2);
  EXPECT_EQ(summary.logical_bytes, first + second);
}

TEST_F(SliceWriterTest, EmptySlicesScalarsStringsAndAttachmentsAreSlicesToo) {
  const auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("empty", "float32", {0, 5}), ""));
  ASSERT_OK(Send(writer.get(), Whole("scalar", "float64", {}), "12345678"));
  const std::string strings = std::string("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0abb", 19);
  ASSERT_OK(Send(writer.get(), Whole("string", "string", {2}), strings, 10));
  ASSERT_OK(Send(writer.get(), Whole("opaque", "tf:21", {2}), "anything"));
  SliceSpec attachment = Whole("graph", "bytes", {});
  attachment.kind = TensorKind::kAttachment;
  ASSERT_OK(Send(writer.get(), attachment, ""));
  ASSERT_OK(writer->Finish());
  const std::vector<SliceRow> rows = SliceRows();
  ASSERT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows[0].key.kind, TensorKind::kAttachment);
  EXPECT_EQ(Stored(rows[4].record), strings);
  EXPECT_EQ(rows[4].record.slice_bytes(), 19);
  ASSERT_OK_AND_ASSIGN(const ManifestSummary summary, CheckCoverage(&table_, manifest_));
  EXPECT_EQ(summary.tensor_count, 4);
  EXPECT_EQ(summary.attachment_count, 1);
  EXPECT_EQ(summary.logical_bytes, 8 + 19 + 8);
  EXPECT_EQ(summary.stored_bytes, 8 + 19 + 8);
}

TEST_F(SliceWriterTest, RefusesSlicesThatCannotBe) {
  const auto refused = [&](const SliceSpec& slice, int64_t offset = 0) {
    const auto writer = NewWriter();
    const absl::Status status = writer->Append(slice, offset, {"x"}, std::nullopt);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  };
  refused(Whole("", "int8", {1}));
  refused(Whole("w", "int3", {1}));
  refused(Whole("w", "int8", {-1}));
  refused(Whole("w", "int8", {INT64_MAX, 2}));
  refused(Whole("w", "int8", std::vector<int64_t>(kMaxRank + 1, 1)));
  refused(Whole("w", "int8", {1}), 1);
  refused(Whole("w", "int8", {1}), -kPartBytes);
  refused(Whole("w", "int8", {1}), kPartBytes);
  refused(Whole("w", "string", {1}), INT64_MAX / kPartBytes * kPartBytes);
  refused(Whole("w", "int8", {INT64_MAX}));
  refused(Whole("w", "bytes", {1}));
  SliceSpec slice = Whole("w", "int8", {4});
  slice.box = Box{{4}, {1}};
  refused(slice);
  slice.box = Box{{1}, {INT64_MAX}};
  refused(slice);
  slice.box = Box{{0, 0}, {1, 1}};
  refused(slice);
  slice = Whole("w", "int8", {});
  slice.kind = TensorKind::kAttachment;
  refused(slice);
}

TEST_F(SliceWriterTest, RefusesBytesThatDoNotFit) {
  const SliceSpec slice = Whole("w", "int16", {3});
  EXPECT_THAT(NewWriter()->Append(slice, 0, {"1234", "567"}, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pass the end")));
  auto writer = NewWriter();
  ASSERT_OK(writer->Append(slice, 0, {"12", "3"}, std::nullopt));
  EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte 3")));
  writer = NewWriter();
  ASSERT_OK(writer->Append(slice, 0, {"123"}, std::nullopt));
  EXPECT_THAT(writer->Append(slice, 4, {"56"}, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument));
  writer = NewWriter();
  EXPECT_OK(writer->Append(Whole("s", "string", {2}), 0, {"too short"}, std::nullopt));
  EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SliceRows(), IsEmpty());
}

TEST_F(SliceWriterTest, RefusesBytesThatTheSenderDidNotSum) {
  const SliceSpec slice = Whole("w", "int8", {4});
  const absl::Status status = NewWriter()->Append(slice, 0, {"ab", "cd"}, Crc32c("abce"));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w")));
  EXPECT_EQ(DetailOf(status).metadata().at("key"), "w");
  EXPECT_OK(NewWriter()->Append(slice, 0, {"ab", "", "cd"}, Crc32c("abcd")));
}

TEST_F(SliceWriterTest, TheSameSliceAgainIsSuccessAndLeavesNoSegment) {
  const std::string bytes = SomeBytes(2 * kPieceBytes, 5);
  const SliceSpec slice = Whole("w", "int8", {2 * kPieceBytes});
  Save(slice, bytes);
  const std::vector<Uid> before = StoredSegments();
  const auto writer = NewWriter("rank-1");
  ASSERT_OK(Send(writer.get(), slice, bytes));
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(writer->progress().durable_bytes, 2 * kPieceBytes);
  EXPECT_EQ(writer->progress().stored_bytes, 0);
  EXPECT_EQ(StoredSegments(), before);
  EXPECT_THAT(SegmentsOf(&table_, manifest_), IsOkAndHolds(before));
  EXPECT_EQ(SliceRows()[0].record.writer(), "rank-0");
}

TEST_F(SliceWriterTest, ASegmentListsOnlyTheChunksThatAreNeeded) {
  const std::string bytes = SomeBytes(kPieceBytes, 5);
  Save(Whole("a", "int8", {kPieceBytes}), bytes);
  const std::vector<Uid> before = StoredSegments();
  const auto writer = NewWriter("rank-1");
  ASSERT_OK(Send(writer.get(), Whole("a", "int8", {kPieceBytes}), bytes));
  ASSERT_OK(Send(writer.get(), Whole("b", "int8", {kPieceBytes}), bytes));
  ASSERT_OK(writer->Finish());
  for (const Uid& segment : StoredSegments()) {
    const bool old = segment == before[0];
    EXPECT_EQ(UseOf(segment).chunks(), std::string(1, old ? 0x02 : 0x04));
    EXPECT_EQ(UseOf(segment).stored_bytes() / kPieceBytes, 1);
  }
}

TEST_F(SliceWriterTest, OtherBytesUnderTheSameBoxAreAConflict) {
  const SliceSpec slice = Whole("w", "int8", {4});
  Save(slice, "abcd");
  const auto writer = NewWriter("rank-1");
  ASSERT_OK(Send(writer.get(), slice, "abce"));
  const absl::Status status = writer->Finish();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SLICE_CONFLICT));
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("[0:4] of w"), HasSubstr("rank-0"), HasSubstr("rank-1"))));
  EXPECT_EQ(SliceRows()[0].record.writer(), "rank-0");
}

TEST_F(SliceWriterTest, AConflictWithinOneStreamIsFoundToo) {
  const SliceSpec slice = Whole("w", "int8", {4});
  auto writer = NewWriter();
  ASSERT_OK(Send(writer.get(), slice, "abcd"));
  ASSERT_OK(Send(writer.get(), slice, "abcd"));
  EXPECT_OK(writer->Finish());
  writer = NewWriter();
  ASSERT_OK(Send(writer.get(), Whole("v", "int8", {4}), "abcd"));
  ASSERT_OK(Send(writer.get(), Whole("v", "int8", {4}), "dcba"));
  EXPECT_THAT(writer->Finish(), HasReason(ErrorReason::ERROR_REASON_SLICE_CONFLICT));
}

TEST_F(SliceWriterTest, AStreamThatIsDroppedLeavesNothing) {
  {
    const auto writer = NewWriter();
    ASSERT_OK(
        Send(writer.get(), Whole("w", "int8", {3 * kPieceBytes}), SomeBytes(3 * kPieceBytes, 1)));
    ASSERT_OK(Send(writer.get(), Whole("small", "int8", {3}), "abc"));
  }
  EXPECT_THAT(SliceRows(), IsEmpty());
  EXPECT_THAT(StoredSegments(), IsEmpty());
}

TEST_F(SliceWriterTest, ManyTinySlicesBecomeDurableOnTheWay) {
  const auto writer = NewWriter();
  constexpr int kSlices = 33000;
  for (int i = 0; i < kSlices; ++i) {
    SliceSpec slice = Whole("w", "int8", {kSlices});
    slice.box = Box{{i}, {1}};
    ASSERT_OK(writer->Append(slice, 0, {"x"}, std::nullopt));
  }
  EXPECT_GT(writer->progress().durable_parts, 0);
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(writer->progress().durable_parts, kSlices);
  ASSERT_OK_AND_ASSIGN(const ManifestSummary summary, CheckCoverage(&table_, manifest_));
  EXPECT_EQ(summary.slices_by_writer, (std::map<std::string, int64_t>{{"rank-0", kSlices}}));
}

TEST_F(SliceWriterTest, TheSessionIsTouchedAtFirstAtDurabilityAndNowAndThen) {
  const auto writer = NewWriter();
  const SliceSpec slice = Whole("w", "int8", {4});
  ASSERT_OK(writer->Append(slice, 0, {"a"}, std::nullopt));
  ASSERT_OK(writer->Append(slice, 1, {"b"}, std::nullopt));
  EXPECT_EQ(touches_, 1);
  clock_.Advance(absl::Seconds(30));
  ASSERT_OK(writer->Append(slice, 2, {"cd"}, std::nullopt));
  EXPECT_EQ(touches_, 2);
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(touches_, 3);
}

TEST_F(SliceWriterTest, AClosedSessionEndsTheStreamBeforeRowsAreWritten) {
  const auto writer = NewWriter();
  ASSERT_OK(writer->Append(Whole("w", "int8", {1}), 0, {"a"}, std::nullopt));
  touch_answer_ = absl::FailedPreconditionError("closed");
  EXPECT_THAT(writer->Finish(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(SliceRows(), IsEmpty());
}

TEST_F(SliceWriterTest, ASalvagedStreamKeepsItsCompletePartsAlone) {
  const auto writer = NewWriter();
  const std::string kept = SomeBytes(3 << 20, 1);
  ASSERT_OK(Send(writer.get(), Whole("kept", "uint8", {3 << 20}), kept));
  const std::string lost = SomeBytes(5 << 20, 2);
  const absl::string_view begun = absl::string_view(lost).substr(0, 4 << 20);
  ASSERT_OK(writer->Append(Whole("lost", "uint8", {5 << 20}), 0, {begun}, std::nullopt));
  ASSERT_OK(writer->Salvage());
  EXPECT_EQ(writer->progress().durable_parts, 1);
  EXPECT_EQ(writer->progress().durable_bytes, 3 << 20);
  ASSERT_OK_AND_ASSIGN(const ManifestSummary summary, CheckCoverage(&table_, manifest_));
  EXPECT_EQ(summary.slice_count, 1);
  EXPECT_LT(summary.stored_bytes, 4 << 20) << "the chunks of the lost part are nobody's";

  const auto again = NewWriter();
  ASSERT_OK(Send(again.get(), Whole("lost", "uint8", {5 << 20}), lost));
  ASSERT_OK(again->Finish());
  EXPECT_OK(CheckCoverage(&table_, manifest_));
}

TEST_F(SliceWriterTest, ASalvagedStreamWithoutACompletePartLeavesNothing) {
  const auto writer = NewWriter();
  const std::string bytes = SomeBytes(2 << 20, 1);
  ASSERT_OK(writer->Append(Whole("lost", "uint8", {5 << 20}), 0, {bytes}, std::nullopt));
  ASSERT_OK(writer->Salvage());
  EXPECT_EQ(writer->progress().durable_parts, 0);
  EXPECT_OK(segments_.Walk([](const SegmentInfo&) {
    ADD_FAILURE() << "a segment that nothing needs";
    return true;
  }));
}

}  // namespace
}  // namespace cairn::storage
