#include "base/rpc/payload_frame.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "cairn/v1/transfer_service.pb.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

std::string Joined(const std::vector<grpc::Slice>& slices) {
  std::string bytes;
  for (const grpc::Slice& slice : slices) absl::StrAppend(&bytes, ViewOf(slice));
  return bytes;
}

// `bytes` as gRPC may deliver them: in slices of `step` bytes, with an empty one between.
grpc::ByteBuffer BufferOf(absl::string_view bytes, size_t step) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += step) {
    absl::string_view part = bytes.substr(i, step);
    slices.emplace_back(part.data(), part.size());
    slices.emplace_back();
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::string Flat(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return Joined(slices);
}

v1::UploadSlicesRequest Header() {
  v1::UploadSlicesRequest header;
  header.set_directory("runs/mnist");
  v1::SlicePart* part = header.add_parts();
  part->set_key("model/kernel");
  part->add_shape(300);
  part->set_length(300);
  part->set_crc32c(0x12345678);
  return header;
}

TEST(PayloadFrame, EqualsWhatProtobufWrites) {
  v1::UploadSlicesRequest whole = Header();
  whole.set_payload(std::string(300, 'p'));
  EXPECT_EQ(Flat(EncodeFrame(Header(), {grpc::Slice(whole.payload())})), whole.SerializeAsString());
  EXPECT_EQ(Flat(EncodeFrame(Header(), {})), Header().SerializeAsString());
}

TEST(PayloadFrame, ComesApartHoweverItIsSliced) {
  v1::UploadSlicesRequest whole = Header();
  whole.set_payload(std::string(300, 'p'));
  const std::string bytes = whole.SerializeAsString();
  for (size_t step = 1; step <= bytes.size(); ++step) {
    v1::UploadSlicesRequest header;
    std::vector<grpc::Slice> payload;
    ASSERT_OK(DecodeFrame(BufferOf(bytes, step), &header, &payload));
    EXPECT_EQ(header.SerializeAsString(), Header().SerializeAsString());
    EXPECT_EQ(Joined(payload), whole.payload());
  }
}

TEST(PayloadFrame, SharesMemoryInBothDirections) {
  auto bytes = std::make_shared<std::string>(4096, 'x');
  grpc::ByteBuffer buffer = EncodeFrame(Header(), {SliceOf(*bytes, bytes)});
  v1::UploadSlicesRequest header;
  std::vector<grpc::Slice> payload;
  ASSERT_OK(DecodeFrame(buffer, &header, &payload));
  ASSERT_EQ(payload.size(), 1u);
  EXPECT_EQ(ViewOf(payload[0]).data(), bytes->data());
}

TEST(PayloadFrame, SliceKeepsItsOwnerAndLetsGo) {
  auto owner = std::make_shared<std::string>(4096, 'x');
  std::weak_ptr<std::string> alive = owner;
  {
    grpc::Slice slice = SliceOf(*owner, owner);
    owner.reset();
    EXPECT_FALSE(alive.expired());
    grpc::Slice second = slice;
  }
  EXPECT_TRUE(alive.expired());
}

TEST(PayloadFrame, MessageWithoutPayloadAndEmptyMessageDecode) {
  v1::UploadSlicesRequest header;
  std::vector<grpc::Slice> payload;
  ASSERT_OK(DecodeFrame(EncodeFrame(Header(), {}), &header, &payload));
  EXPECT_EQ(header.directory(), "runs/mnist");
  EXPECT_TRUE(payload.empty());
  ASSERT_OK(DecodeFrame(grpc::ByteBuffer(), &header, &payload));
  EXPECT_EQ(header.parts_size(), 0);
}

TEST(PayloadFrame, FieldsOfANewerClientAreSteppedOver) {
  const std::string varint = "\xa0\x06\x07",
                    fixed64 =
                        "\xa1\x06"
                        "12345678",
                    fixed32 =
                        "\xa5\x06"
                        "1234";
  const std::string bytes = absl::StrCat(varint, fixed64, fixed32,
                                         "\x7a\x02"
                                         "ab");
  v1::UploadSlicesRequest header;
  std::vector<grpc::Slice> payload;
  ASSERT_OK(DecodeFrame(BufferOf(bytes, 3), &header, &payload));
  EXPECT_EQ(Joined(payload), "ab");
}

struct BadFrame {
  std::string bytes;
  std::string message;
};

TEST(PayloadFrame, HostileBytesAreRefused) {
  const std::vector<BadFrame> frames = {
      {"\x7a\x05"
       "abc",
       "cut off"},
      {"\x7a\x02"
       "abc",
       "follows the payload"},
      {"\x7a", "cut off"},
      {"\x7a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"},
      {"\x78\x01", "not a byte string"},
      {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"},
      {"\x0b\x01", "no known kind"},
      {std::string(11, '\xff'), "tag is cut off"},
      {"\x0a\x02\xff\xfe", "not of its type"},
      {std::string("\x22\x02\x08\x80", 4), "not of its type"},
      {absl::StrCat(std::string("\x0a\x81\x80\x40", 4), std::string((1 << 20) + 1, 'd')), "limit"},
  };
  for (const BadFrame& frame : frames) {
    v1::UploadSlicesRequest header;
    std::vector<grpc::Slice> payload;
    EXPECT_THAT(DecodeFrame(BufferOf(frame.bytes, 7), &header, &payload),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(frame.message)));
    EXPECT_TRUE(payload.empty());
  }
}

}  // namespace
}  // namespace cairn
