#include "client/buffer_sink.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

// Gives `sink` the bytes of `box` of a tensor of 16-bit elements, in pieces of `piece_bytes`.
absl::Status WriteBox(BufferSink& sink, const Box& box, const std::string& bytes,
                      size_t piece_bytes) {
  v1::SlicePart part;
  part.set_key("w");
  part.set_dtype("int16");
  for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
    const absl::string_view piece = absl::string_view(bytes).substr(at, piece_bytes);
    // Two ranges, to see that pieces need not be in one.
    const std::vector<absl::string_view> ranges = {piece.substr(0, 1), piece.substr(1)};
    CAIRN_RETURN_IF_ERROR(sink.Write(
        {part, box, static_cast<int64_t>(at), static_cast<int64_t>(piece.size()), 0, ranges}));
  }
  return absl::OkStatus();
}

// Element (r, c) of the 4 x 6 test tensor as its two bytes.
std::string Element(int64_t r, int64_t c) {
  return {static_cast<char>('a' + r), static_cast<char>('A' + c)};
}

std::string BytesOfBox(const Box& box) {
  std::string bytes;
  for (int64_t r = box.start[0]; r < box.start[0] + box.length[0]; ++r) {
    for (int64_t c = box.start[1]; c < box.start[1] + box.length[1]; ++c) bytes += Element(r, c);
  }
  return bytes;
}

TEST(BufferSinkTest, SlicesAndPiecesGoWhereTheyBelong) {
  const std::vector<Box> tiling = {
      {{0, 0}, {2, 4}}, {{0, 4}, {2, 2}}, {{2, 0}, {2, 1}}, {{2, 1}, {2, 5}}};
  const std::vector<Box> targets = {
      WholeBox({4, 6}), {{1, 1}, {2, 4}}, {{3, 5}, {1, 1}}, {{0, 0}, {4, 1}}};
  for (const Box& target : targets) {
    // 3 and 5 cut elements.
    for (size_t piece_bytes : {1, 2, 3, 5, 64}) {
      std::string buffer(Volume(target) * 2, '.');
      BufferSink sink;
      ASSERT_OK(sink.Add("w", target, 2, absl::MakeSpan(buffer)));
      for (const Box& box : tiling) ASSERT_OK(WriteBox(sink, box, BytesOfBox(box), piece_bytes));
      EXPECT_EQ(buffer, BytesOfBox(target)) << ToString(target) << " by " << piece_bytes;
    }
  }
}

TEST(BufferSinkTest, BytesWithoutAFixedWidthAreTakenAsStored) {
  std::string buffer(6, '.');
  BufferSink sink;
  ASSERT_OK(sink.AddBytes("w", absl::MakeSpan(buffer)));
  ASSERT_OK(WriteBox(sink, Box(), "abcdef", 4));
  EXPECT_EQ(buffer, "abcdef");
  EXPECT_THAT(WriteBox(sink, Box(), "abcdefg", 4),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("larger")));
}

TEST(BufferSinkTest, AnAttachmentAndATensorOfOneNameHaveTheirOwnBuffers) {
  std::string tensor(4, '.');
  std::string attachment(4, '.');
  BufferSink sink;
  ASSERT_OK(sink.AddBytes("w", absl::MakeSpan(tensor)));
  v1::SlicePart part;
  part.set_key("w");
  part.set_kind(v1::TENSOR_KIND_ATTACHMENT);
  const absl::string_view bytes = "attd";
  const ArrivedPart arrived = {part, Box(), 0, 4, 0, absl::MakeConstSpan(&bytes, 1)};
  EXPECT_THAT(sink.Write(arrived),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attachment w")));
  ASSERT_OK(sink.AddAttachment("w", absl::MakeSpan(attachment)));
  EXPECT_THAT(sink.AddAttachment("w", absl::MakeSpan(attachment)),
              StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_OK(WriteBox(sink, Box(), "tens", 4));
  ASSERT_OK(sink.Write(arrived));
  EXPECT_EQ(tensor, "tens");
  EXPECT_EQ(attachment, "attd");
}

TEST(BufferSinkTest, ABufferOfAnotherSizeIsRefused) {
  std::string buffer(7, '.');
  BufferSink sink;
  EXPECT_THAT(sink.Add("w", WholeBox({2, 2}), 2, absl::MakeSpan(buffer)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes 8")));
}

TEST(BufferSinkTest, AKeyHasOneBuffer) {
  std::string buffer(2, '.');
  BufferSink sink;
  ASSERT_OK(sink.AddBytes("w", absl::MakeSpan(buffer)));
  EXPECT_THAT(sink.AddBytes("w", absl::MakeSpan(buffer)),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(BufferSinkTest, WhatWasNotAddedIsRefused) {
  BufferSink sink;
  EXPECT_THAT(WriteBox(sink, WholeBox({1, 1}), "ab", 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no buffer")));
}

TEST(BufferSinkTest, BytesOfAnotherShapeAreRefused) {
  std::string buffer(8, '.');
  BufferSink sink;
  ASSERT_OK(sink.Add("w", WholeBox({2, 2}), 2, absl::MakeSpan(buffer)));
  EXPECT_THAT(WriteBox(sink, WholeBox({4}), "abcdefgh", 8),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(WriteBox(sink, WholeBox({2, 2}), "abcdefghi", 9),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cairn
