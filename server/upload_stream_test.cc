#include "server/upload_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::_;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::Return;

// What a writer was given.
struct Appended {
  std::string key;
  Box box;
  OpenDimensions open_dimensions;
  int64_t offset;
  std::string bytes;
  std::optional<uint32_t> crc32c;
};

// What a writer was told to take of the base.
struct Taken {
  std::string key;
  int64_t offset;
  int64_t length;
  storage::BaseRange base;
  std::optional<uint32_t> crc32c;
};

class UploadStreamTest : public ::testing::Test {
 protected:
  UploadStreamTest() {
    ON_CALL(store_, NewSliceWriter(Eq("d"), Eq("s"), _, false)).WillByDefault([this] {
      auto writer = std::make_unique<NiceMock<MockSliceWriter>>();
      ON_CALL(*writer, Append)
          .WillByDefault([this](const storage::SliceSpec& slice, int64_t offset,
                                absl::Span<const absl::string_view> views,
                                std::optional<uint32_t> crc32c) {
            std::string bytes;
            for (absl::string_view view : views) absl::StrAppend(&bytes, view);
            appended_.push_back(
                {slice.key, slice.box, slice.open_dimensions, offset, bytes, crc32c});
            return append_status_;
          });
      ON_CALL(*writer, AppendFromBase)
          .WillByDefault([this](const storage::SliceSpec& slice, int64_t offset, int64_t length,
                                const storage::BaseRange& base, std::optional<uint32_t> crc32c) {
            taken_.push_back({slice.key, offset, length, base, crc32c});
            return append_status_;
          });
      ON_CALL(*writer, Salvage).WillByDefault([this] {
        ++salvaged_;
        return absl::OkStatus();
      });
      ON_CALL(*writer, progress).WillByDefault([this] { return progress_; });
      return std::unique_ptr<storage::SliceWriter>(std::move(writer));
    });
  }

  static v1::UploadSlicesRequest First() {
    v1::UploadSlicesRequest header;
    header.set_directory("d");
    header.set_session("s");
    return header;
  }
  static v1::SlicePart* AddPart(v1::UploadSlicesRequest* header, const std::string& key,
                                int64_t length) {
    v1::SlicePart* part = header->add_parts();
    part->set_key(key);
    part->set_dtype("uint8");
    part->add_shape(length);
    part->set_length(length);
    return part;
  }
  static std::vector<grpc::Slice> Payload(const std::vector<std::string>& slices) {
    return {slices.begin(), slices.end()};
  }

  NiceMock<MockStore> store_;
  Admission admission_{AdmissionOptions()};
  UploadStream stream_{&store_, &admission_};
  std::vector<Appended> appended_;
  std::vector<Taken> taken_;
  absl::Status append_status_;
  int salvaged_ = 0;
  storage::WriterProgress progress_;
};

TEST_F(UploadStreamTest, PartsTakeTheirBytesAcrossSlices) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 3)->set_crc32c(7);
  AddPart(&header, "empty", 0);
  v1::SlicePart* last = AddPart(&header, "b", 5);
  last->set_shape(0, 9);
  last->mutable_slice()->add_extents()->set_start(4);
  last->set_offset(2);
  ASSERT_OK(stream_.Receive(header, Payload({"01", "", "234", "567"})));
  ASSERT_EQ(appended_.size(), 3u);
  EXPECT_EQ(appended_[0].bytes, "012");
  EXPECT_EQ(appended_[0].crc32c, 7u);
  EXPECT_EQ(appended_[1].bytes, "");
  EXPECT_EQ(appended_[2].bytes, "34567");
  EXPECT_EQ(appended_[2].offset, 2);
  EXPECT_EQ(appended_[2].box, (Box{{4}, {5}}));
  EXPECT_EQ(appended_[2].open_dimensions, 1) << "its length was left unset";
  EXPECT_FALSE(appended_[2].crc32c.has_value());
}

TEST_F(UploadStreamTest, BaseRangesHaveNoPayloadAndMixWithPartsThatDo) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 3);
  v1::SlicePart* reused = AddPart(&header, "a", int64_t{5} << 20);
  reused->set_offset(3);
  reused->set_crc32c(9);
  v1::BaseRange* range = reused->mutable_base_range();
  range->set_key("old");
  range->set_kind(v1::TENSOR_KIND_ATTACHMENT);
  range->set_offset(1 << 20);
  range->mutable_slice()->add_extents()->set_start(4);
  AddPart(&header, "b", 2);
  ASSERT_OK(stream_.Receive(header, Payload({"01234"})));
  ASSERT_EQ(appended_.size(), 2u);
  EXPECT_EQ(appended_[1].bytes, "34");
  ASSERT_EQ(taken_.size(), 1u);
  EXPECT_EQ(taken_[0].key, "a");
  EXPECT_EQ(taken_[0].offset, 3);
  EXPECT_EQ(taken_[0].length, int64_t{5} << 20);
  EXPECT_EQ(taken_[0].crc32c, 9u);
  EXPECT_EQ(taken_[0].base.kind, storage::TensorKind::kAttachment);
  EXPECT_EQ(taken_[0].base.key, "old");
  EXPECT_EQ(taken_[0].base.offset, 1 << 20);
  ASSERT_EQ(taken_[0].base.slice.size(), 1u);
  EXPECT_EQ(taken_[0].base.slice[0].start, 4);
  EXPECT_FALSE(taken_[0].base.slice[0].length.has_value());
}

TEST_F(UploadStreamTest, BytesForABaseRangeAreRefused) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 3)->mutable_base_range()->set_key("old");
  EXPECT_THAT(stream_.Receive(header, Payload({"012"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("every byte belongs")));
  EXPECT_TRUE(taken_.empty());
}

TEST_F(UploadStreamTest, AnswersWhenMoreIsDurableAndAtTheEnd) {
  ASSERT_OK(stream_.Receive(First(), {}));
  EXPECT_FALSE(stream_.TakeAnswer().has_value());
  progress_ = {.durable_parts = 2, .durable_bytes = 20, .stored_bytes = 15};
  EXPECT_EQ(stream_.TakeAnswer()->durable_parts(), 2);
  EXPECT_FALSE(stream_.TakeAnswer().has_value());
  ASSERT_OK_AND_ASSIGN(v1::UploadSlicesResponse last, stream_.Finish());
  EXPECT_EQ(last.durable_bytes(), 20);
  EXPECT_EQ(last.stored_bytes(), 15);
}

TEST_F(UploadStreamTest, WriterIsZeroUnlessNamed) {
  EXPECT_CALL(store_, NewSliceWriter(Eq("d"), Eq("s"), Eq("0"), false));
  ASSERT_OK(stream_.Receive(First(), {}));
}

TEST_F(UploadStreamTest, FirstMessageNamesTheSessionAndNoOther) {
  EXPECT_THAT(UploadStream(&store_, &admission_).Receive(v1::UploadSlicesRequest(), {}),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  EXPECT_THAT(UploadStream(&store_, &admission_).Finish(),
              HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  ASSERT_OK(stream_.Receive(First(), {}));
  EXPECT_THAT(stream_.Receive(First(), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("only the first message")));
}

TEST_F(UploadStreamTest, LengthsMustAddUpToThePayload) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 3);
  EXPECT_THAT(stream_.Receive(header, Payload({"0123"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("every byte belongs")));
  EXPECT_THAT(stream_.Receive(header, Payload({"01"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parts[0].length")));
  header.mutable_parts(0)->set_length(-1);
  EXPECT_THAT(stream_.Receive(header, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  header.mutable_parts(0)->set_length(INT64_MAX);
  AddPart(&header, "b", INT64_MAX);
  EXPECT_THAT(stream_.Receive(header, Payload({"01"})),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(appended_.empty());
}

TEST_F(UploadStreamTest, LargePayloadIsRefused) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", (1 << 20) + 1);
  EXPECT_THAT(stream_.Receive(header, Payload({std::string((1 << 20) + 1, 'x')})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cut it into several")));
}

TEST_F(UploadStreamTest, BadShapeAndBoxAreRefusedWithThePart) {
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 1)->set_shape(0, INT64_MAX);
  header.mutable_parts(0)->add_shape(2);
  EXPECT_THAT(stream_.Receive(header, Payload({"0"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parts[0], tensor a")));

  v1::UploadSlicesRequest outside = First();
  AddPart(&outside, "a", 1)->mutable_slice()->add_extents()->set_start(2);
  EXPECT_THAT(UploadStream(&store_, &admission_).Receive(outside, Payload({"0"})),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(UploadStreamTest, WhatABrokenStreamBroughtIsSalvaged) {
  UploadStream(&store_, &admission_).Salvage();  // before the first message there is nothing
  ASSERT_OK(stream_.Receive(First(), {}));
  EXPECT_EQ(salvaged_, 0);
  stream_.Salvage();
  EXPECT_EQ(salvaged_, 1);
}

TEST_F(UploadStreamTest, WritersErrorIsTheStreams) {
  append_status_ = MakeError(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH,
                             absl::StatusCode::kInvalidArgument, "damaged");
  v1::UploadSlicesRequest header = First();
  AddPart(&header, "a", 1);
  EXPECT_THAT(stream_.Receive(header, Payload({"0"})),
              HasReason(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH));
}

}  // namespace
}  // namespace cairn::server
