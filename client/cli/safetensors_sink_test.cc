#include "client/cli/safetensors_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "formats/safetensors/reader.h"

namespace cairn::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SafetensorsSinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(::testing::TempDir(), "/safetensors_sink_test-",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    ASSERT_OK(files_->CreateFolders(folder_));
    path_ = folder_ + "/x.safetensors";
  }
  absl::Status Create(std::vector<SafetensorsWriter::Tensor> tensors, bool force = false) {
    SafetensorsPlan plan;
    plan.tensors = std::move(tensors);
    plan.metadata = SafetensorsMetadata{{"format", "tf"}};
    CAIRN_ASSIGN_OR_RETURN(sink_, SafetensorsSink::Create(files_, path_, std::move(plan), force));
    return sink_->Begin({});
  }
  // `bytes` at `offset` of `box` of a tensor.
  absl::Status Write(const SafetensorsWriter::Tensor& tensor, const Box& box, int64_t offset,
                     absl::string_view bytes) {
    v1::SlicePart part;
    part.set_key(tensor.key);
    part.set_dtype(tensor.dtype);
    part.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    // In two memory ranges.
    const absl::string_view ranges[] = {bytes.substr(0, bytes.size() / 3),
                                        bytes.substr(bytes.size() / 3)};
    return sink_->Write({part, box, offset, static_cast<int64_t>(bytes.size()), 0, ranges});
  }
  // What the file holds of `key` after Finish().
  std::string Finished(const std::string& key) {
    EXPECT_OK(sink_->Finish());
    const auto reader = SafetensorsReader::Open(files_, path_);
    EXPECT_OK(reader);
    for (const SafetensorsTensor& tensor : (*reader)->tensors()) {
      if (tensor.key != key) continue;
      std::string bytes(tensor.size_bytes, '\0');
      EXPECT_OK((*reader)->ReadAt(tensor, 0, absl::MakeSpan(bytes)));
      return bytes;
    }
    return "not there";
  }

  FileSystem* const files_ = FileSystem::System();
  std::string folder_;
  std::string path_;
  std::unique_ptr<SafetensorsSink> sink_;
};

const SafetensorsWriter::Tensor kMatrix = {"m", "int16", {2, 4}, 16};

TEST_F(SafetensorsSinkTest, SlicesBecomeOneTensor) {
  ASSERT_OK(Create({kMatrix}));
  ASSERT_OK(Write(kMatrix, {{0, 1}, {1, 3}}, 0, "ccddee"));
  ASSERT_OK(Write(kMatrix, {{1, 1}, {1, 3}}, 0, "CCDDEE"));
  ASSERT_OK(Write(kMatrix, {{0, 0}, {2, 1}}, 0, "bbBB"));
  EXPECT_EQ(Finished("m"), "bbccddeeBBCCDDEE");
}

TEST_F(SafetensorsSinkTest, PiecesMayBeginInsideAnElement) {
  ASSERT_OK(Create({kMatrix}));
  ASSERT_OK(Write(kMatrix, {{0, 0}, {2, 2}}, 3, "bAABB"));
  ASSERT_OK(Write(kMatrix, {{0, 0}, {2, 2}}, 0, "aab"));
  ASSERT_OK(Write(kMatrix, {{0, 2}, {2, 2}}, 0, "ccddCCDD"));
  EXPECT_EQ(Finished("m"), "aabbccddAABBCCDD");
}

// Cuts `box` at random into boxes, none of them empty.
void Cut(const Box& box, std::mt19937& random, std::vector<Box>* boxes) {
  const size_t axis = random() % box.length.size();
  if (box.length[axis] < 2 || random() % 4 == 0) {
    boxes->push_back(box);
    return;
  }
  const int64_t first = 1 + static_cast<int64_t>(random() % (box.length[axis] - 1));
  Box low = box, high = box;
  low.length[axis] = first;
  high.start[axis] += first;
  high.length[axis] -= first;
  Cut(low, random, boxes);
  Cut(high, random, boxes);
}

TEST_F(SafetensorsSinkTest, AnyTilingInAnyPiecesMakesTheTensor) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<int64_t> shape(1 + random() % 4);
    for (int64_t& size : shape) size = 1 + static_cast<int64_t>(random() % 6);
    const int64_t size_bytes = Volume(WholeBox(shape)) * 4;
    const SafetensorsWriter::Tensor tensor = {"t", "float32", shape, size_bytes};
    std::string whole(size_bytes, '\0');
    for (char& byte : whole) byte = static_cast<char>(random());
    ASSERT_OK(Create({tensor}, /*force=*/true));
    std::vector<Box> boxes;
    Cut(WholeBox(shape), random, &boxes);
    std::shuffle(boxes.begin(), boxes.end(), random);
    for (const Box& box : boxes) {
      std::string bytes;
      ForEachRun(
          ByteBox(WholeBox(shape), 4), ByteBox(box, 4), 0, Volume(box) * 4,
          [&](int64_t offset, int64_t, int64_t count) { bytes += whole.substr(offset, count); });
      const size_t middle = random() % (bytes.size() + 1);
      ASSERT_OK(Write(tensor, box, static_cast<int64_t>(middle), bytes.substr(middle)));
      ASSERT_OK(Write(tensor, box, 0, bytes.substr(0, middle)));
    }
    ASSERT_EQ(Finished("t"), whole) << ShapeToString(shape);
  }
}

TEST_F(SafetensorsSinkTest, ScalarsAndEmptyTensorsAndMetadataAreWritten) {
  const SafetensorsWriter::Tensor scalar = {"s", "float64", {}, 8};
  ASSERT_OK(Create({scalar, {"none", "float32", {0, 3}, 0}}));
  ASSERT_OK(Write(scalar, {}, 0, "abcdefgh"));
  EXPECT_EQ(Finished("s"), "abcdefgh");
  ASSERT_OK_AND_ASSIGN(const auto reader, SafetensorsReader::Open(files_, path_));
  EXPECT_EQ(reader->tensors().size(), 2);
  EXPECT_EQ(reader->files()[0].metadata, (SafetensorsMetadata{{"format", "tf"}}));
}

TEST_F(SafetensorsSinkTest, OpaqueBytesAreNotCut) {
  const SafetensorsWriter::Tensor opaque = {"o", "safetensors:F4", {2, 3}, 3};
  ASSERT_OK(Create({opaque}));
  ASSERT_OK(Write(opaque, WholeBox({2, 3}), 1, "bc"));
  ASSERT_OK(Write(opaque, WholeBox({2, 3}), 0, "a"));
  EXPECT_EQ(Finished("o"), "abc");
}

TEST_F(SafetensorsSinkTest, WhatIsNotPlannedIsDropped) {
  ASSERT_OK(Create({kMatrix}));
  EXPECT_OK(Write({"other", "string", {}, 9}, {}, 0, "123456789"));
  ASSERT_OK(Write(kMatrix, WholeBox({2, 4}), 0, "aabbccddAABBCCDD"));
  EXPECT_EQ(Finished("m"), "aabbccddAABBCCDD");
}

TEST_F(SafetensorsSinkTest, ATensorThatIsNotAsItWasListedIsRefused) {
  ASSERT_OK(Create({kMatrix}));
  EXPECT_THAT(Write({"m", "uint16", {2, 4}, 16}, WholeBox({2, 4}), 0, "aa"),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Write({"m", "int16", {4, 2}, 16}, WholeBox({4, 2}), 0, "aa"),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Write(kMatrix, {{0, 0}, {1, 4}}, 7, "aa"), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Write(kMatrix, {{0, 0}, {1, 4}}, INT64_MAX, "aa"),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_F(SafetensorsSinkTest, MissingBytesNameTheTensorAndLeaveNothing) {
  ASSERT_OK(Create({kMatrix}));
  ASSERT_OK(Write(kMatrix, {{0, 0}, {1, 4}}, 0, "aabbccdd"));
  EXPECT_THAT(sink_->Finish(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor m")));
  sink_.reset();
  EXPECT_THAT(files_->ListFolder(folder_), IsOkAndHolds(IsEmpty()));
}

TEST_F(SafetensorsSinkTest, AFileThatIsThereIsReplacedOnlyByForce) {
  ASSERT_OK(Create({}));
  ASSERT_OK(sink_->Finish());
  EXPECT_THAT(Create({}), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_OK(Create({}, /*force=*/true));
}

}  // namespace
}  // namespace cairn::cli
