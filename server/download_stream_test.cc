#include "server/download_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rpc/payload_frame.h"
#include "base/status_matchers.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::Eq;
using ::testing::NiceMock;
using Parts = FakeSliceReader::Parts;

storage::OutgoingPart Part(const std::string& key, const std::string& bytes) {
  storage::OutgoingPart part;
  part.key = key;
  part.dtype = "uint8";
  part.shape = {9};
  part.box = Box{{1}, {static_cast<int64_t>(bytes.size())}};
  part.crc32c = 5;
  part.bytes = storage::PinnedBytes(bytes);
  return part;
}

struct Message {
  std::vector<std::string> keys;
  std::string next_token;
  std::string payload;
};

class DownloadStreamTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<Message>> ReadAll(std::vector<absl::StatusOr<Parts>> batches) {
    ON_CALL(store_, NewSliceReader(Eq("begin"))).WillByDefault([batches](absl::string_view) {
      return std::unique_ptr<storage::SliceReader>(std::make_unique<FakeSliceReader>(batches));
    });
    CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<DownloadStream> stream,
                           DownloadStream::Open(&store_, "begin"));
    std::vector<Message> messages;
    while (true) {
      std::vector<grpc::Slice> payload;
      CAIRN_ASSIGN_OR_RETURN(bool more, stream->Next(&header_, &payload));
      if (!more) return messages;
      messages.emplace_back();
      messages_ = messages.size();
      messages.back().next_token = header_.next_token();
      for (const v1::SlicePart& part : header_.parts()) messages.back().keys.push_back(part.key());
      for (const grpc::Slice& slice : payload) {
        messages.back().payload += std::string(ViewOf(slice));
      }
    }
  }

  NiceMock<MockStore> store_;
  v1::DownloadSlicesResponse header_;
  size_t messages_ = 0;
};

TEST_F(DownloadStreamTest, LastMessageAloneHasNoToken) {
  ASSERT_OK_AND_ASSIGN(std::vector<Message> messages,
                       ReadAll({Parts{Part("a", "12"), Part("b", "3")}, Parts{Part("c", "45")}}));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].keys, std::vector<std::string>({"a", "b"}));
  EXPECT_EQ(messages[0].payload, "123");
  EXPECT_EQ(messages[0].next_token, "1");
  EXPECT_EQ(messages[1].payload, "45");
  EXPECT_EQ(messages[1].next_token, "");
}

TEST_F(DownloadStreamTest, PartIsDescribedWhole) {
  ASSERT_OK(ReadAll({Parts{Part("a", "12")}}));
  EXPECT_EQ(header_.parts_size(), 0);  // the end cleared it
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<DownloadStream> stream,
                       DownloadStream::Open(&store_, "begin"));
  std::vector<grpc::Slice> payload;
  EXPECT_THAT(stream->Next(&header_, &payload), IsOkAndHolds(true));
  const v1::SlicePart& part = header_.parts(0);
  EXPECT_EQ(part.kind(), v1::TENSOR_KIND_TENSOR);
  EXPECT_EQ(part.dtype(), "uint8");
  EXPECT_EQ(part.shape(0), 9);
  EXPECT_EQ(part.slice().extents(0).start(), 1);
  EXPECT_EQ(part.slice().extents(0).length(), 2);
  EXPECT_EQ(part.length(), 2);
  EXPECT_EQ(part.crc32c(), 5u);
}

TEST_F(DownloadStreamTest, NothingToSendIsOneEmptyMessage) {
  ASSERT_OK_AND_ASSIGN(std::vector<Message> messages, ReadAll({}));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].keys.empty());
  EXPECT_EQ(messages[0].next_token, "");
}

TEST_F(DownloadStreamTest, EveryMessageCanBeGoneOnFrom) {
  ASSERT_OK_AND_ASSIGN(
      std::vector<Message> messages,
      ReadAll({Parts{Part("a", "1")}, Parts{Part("b", ""), Part("c", "")}, Parts{Part("z", "2")}}));
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].next_token, "1");
  EXPECT_EQ(messages[1].next_token, "2");
  EXPECT_EQ(messages[1].keys, (std::vector<std::string>{"b", "c"}));
}

TEST_F(DownloadStreamTest, DamageComesAfterWhatIsSound) {
  EXPECT_THAT(ReadAll({Parts{Part("a", "1")}, absl::DataLossError("b is damaged")}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(messages_, 1u);
}

}  // namespace
}  // namespace cairn::server
