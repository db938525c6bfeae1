#include "client/restore_run.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "client/buffer_sink.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;
using ::testing::NiceMock;

struct Message {
  v1::DownloadSlicesResponse header;
  std::string payload;
};

// The bytes of tensor "w" from `offset` on; `next_token` is empty in the last message.
Message MessageOf(absl::string_view bytes, int64_t offset, int64_t tensor_bytes,
                  const std::string& next_token) {
  Message message;
  v1::SlicePart* part = message.header.add_parts();
  part->set_key("w");
  part->set_dtype("uint8");
  part->add_shape(tensor_bytes);
  part->set_offset(offset);
  part->set_length(static_cast<int64_t>(bytes.size()));
  part->set_crc32c(Crc32c(bytes));
  message.header.set_next_token(next_token);
  message.payload = std::string(bytes);
  return message;
}

// Sends `messages`, then ends with `end`.
class FakeDownload : public DownloadStream {
 public:
  FakeDownload(std::vector<Message> messages, absl::Status end)
      : messages_(std::move(messages)), end_(std::move(end)) {}
  absl::StatusOr<bool> Read(v1::DownloadSlicesResponse* header,
                            std::vector<absl::string_view>* payload) override {
    if (next_ == messages_.size()) {
      CAIRN_RETURN_IF_ERROR(end_);
      return false;
    }
    *header = messages_[next_].header;
    *payload = {messages_[next_].payload};
    ++next_;
    return true;
  }
  void Cancel() override {}

 private:
  const std::vector<Message> messages_;
  const absl::Status end_;
  size_t next_ = 0;
};

class RestoreRunTest : public ::testing::Test {
 protected:
  RestoreRunTest() {
    ON_CALL(connection_, OpenRestore).WillByDefault([this](const auto&) {
      v1::OpenRestoreResponse restore;
      restore.set_restore("r");
      restore.set_uid("u");
      restore.set_reference("runs/a@1");
      restore.set_tensor_count(1);
      restore.set_total_bytes(6);
      restore.add_stream_tokens("0");
      return restore;
    });
    EXPECT_OK(sink_.Add("w", WholeBox({6}), 1, absl::MakeSpan(buffer_)));
  }

  // The next stream that is opened must go on from `token`.
  void ExpectStream(const std::string& token, std::vector<Message> messages,
                    absl::Status end = absl::OkStatus()) {
    EXPECT_CALL(connection_, DownloadSlices)
        .WillOnce([=](int, const v1::DownloadSlicesRequest& request) {
          EXPECT_EQ(request.token(), token);
          return std::make_unique<FakeDownload>(messages, end);
        })
        .RetiresOnSaturation();
  }
  absl::StatusOr<RestoreResult> Restore() {
    return RunRestore(connection_, {}, options_, sink_, &clock_, &random_);
  }

  NiceMock<MockConnection> connection_;
  FakeClock clock_;
  SeededRandom random_{1};
  RestoreOptions options_;
  std::string buffer_ = std::string(6, '.');
  BufferSink sink_;
};

TEST_F(RestoreRunTest, BytesArriveAndTheLeaseEnds) {
  ExpectStream("0", {MessageOf("abcd", 0, 6, "1"), MessageOf("ef", 4, 6, "")});
  EXPECT_CALL(connection_, CloseRestore).WillOnce([](const v1::CloseRestoreRequest& close) {
    EXPECT_EQ(close.restore(), "r");
    return absl::OkStatus();
  });
  ASSERT_OK_AND_ASSIGN(const RestoreResult result, Restore());
  EXPECT_EQ(buffer_, "abcdef");
  EXPECT_EQ(result.uid, "u");
  EXPECT_EQ(result.reference, "runs/a@1");
  EXPECT_EQ(result.bytes, 6);
}

TEST_F(RestoreRunTest, ABrokenStreamGoesOnFromItsLastToken) {
  ExpectStream("1", {MessageOf("ef", 4, 6, "")});  // gMock takes the newest first
  ExpectStream("0", {MessageOf("abcd", 0, 6, "1")}, absl::UnavailableError("broken"));
  ASSERT_OK(Restore());
  EXPECT_EQ(buffer_, "abcdef");
}

TEST_F(RestoreRunTest, AfterTheLastMessageABreakDoesNotMatter) {
  ExpectStream("0", {MessageOf("abcdef", 0, 6, "")}, absl::UnavailableError("broken"));
  EXPECT_OK(Restore());
}

TEST_F(RestoreRunTest, AServerThatStaysAwayFailsTheRestore) {
  EXPECT_CALL(connection_, DownloadSlices)
      .Times(::testing::AtLeast(2))
      .WillRepeatedly([](int, const auto&) {
        return std::make_unique<FakeDownload>(std::vector<Message>(),
                                              absl::UnavailableError("no server"));
      });
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no server")));
}

TEST_F(RestoreRunTest, ALostRestoreIsNotTriedAgain) {
  const absl::Status lost = MakeError(ErrorReason::ERROR_REASON_RESTORE_LOST,
                                      absl::StatusCode::kFailedPrecondition, "open it again");
  ExpectStream("0", {MessageOf("abcd", 0, 6, "1")}, lost);
  EXPECT_CALL(connection_, CloseRestore).Times(1);
  EXPECT_THAT(Restore(), HasReason(ErrorReason::ERROR_REASON_RESTORE_LOST));
}

TEST_F(RestoreRunTest, BytesThatDoNotHaveTheirSumNeverReachTheSink) {
  Message damaged = MessageOf("abcdef", 0, 6, "");
  damaged.payload[3] ^= 1;
  ExpectStream("0", {damaged});
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("tensor w")));
  EXPECT_EQ(buffer_, "......");
}

TEST_F(RestoreRunTest, BytesWithoutASumAreRefused) {
  Message unsummed = MessageOf("abcdef", 0, 6, "");
  unsummed.header.mutable_parts(0)->clear_crc32c();
  ExpectStream("0", {unsummed});
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RestoreRunTest, MessagesThatContradictThemselvesAreRefused) {
  Message shorter = MessageOf("abcdef", 0, 6, "");
  shorter.payload.pop_back();
  Message longer = MessageOf("abcdef", 0, 6, "");
  longer.payload += "g";
  Message outside = MessageOf("abcdef", -1, 6, "");
  Message impossible = MessageOf("abcdef", 0, -6, "");
  for (const Message& message : {shorter, longer, outside, impossible}) {
    ExpectStream("0", {message});
    EXPECT_FALSE(Restore().ok());
  }
}

TEST_F(RestoreRunTest, FewerBytesThanPromisedAreDataLoss) {
  ExpectStream("0", {MessageOf("abcd", 0, 6, "")});
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("4 bytes came of 6")));
}

class FailingSink : public SliceSink {
 public:
  absl::Status Begin(const v1::OpenRestoreResponse&) override { return absl::OkStatus(); }
  absl::Status Write(const ArrivedPart&) override {
    return absl::UnavailableError("the disk is gone");
  }
};

TEST_F(RestoreRunTest, AnErrorOfTheSinkIsNotTriedAgain) {
  ExpectStream("0", {MessageOf("abcdef", 0, 6, "")});
  FailingSink sink;
  EXPECT_THAT(RunRestore(connection_, {}, options_, sink, &clock_, &random_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the disk is gone")));
}

TEST_F(RestoreRunTest, TheServerIsAskedForAsManyStreams) {
  options_.streams = 5;
  EXPECT_CALL(connection_, OpenRestore).WillOnce([](const v1::OpenRestoreRequest& request) {
    EXPECT_EQ(request.streams(), 5);
    return absl::NotFoundError("no such checkpoint");
  });
  EXPECT_CALL(connection_, CloseRestore).Times(0);
  EXPECT_THAT(Restore(), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cairn
