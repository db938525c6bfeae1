#include "client/save_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/status_matchers.h"
#include "base/xxh3.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::_;
using ::testing::AtLeast;
using ::testing::HasSubstr;
using ::testing::NiceMock;

// What a server would hold: the bytes of each key, put together from messages that kept the rules.
class Received {
 public:
  void Take(const v1::UploadSlicesRequest& header, absl::Span<const absl::string_view> payload) {
    MutexLock lock(&mutex_);
    std::string bytes;
    for (absl::string_view range : payload) bytes.append(range.data(), range.size());
    size_t at = 0;
    for (const v1::SlicePart& part : header.parts()) {
      const std::string piece = bytes.substr(at, part.length());
      EXPECT_EQ(part.crc32c(), Crc32c(piece)) << part.key();
      std::string& whole = bytes_[NameOf(part)];
      if (whole.size() < static_cast<size_t>(part.offset() + part.length())) {
        whole.resize(part.offset() + part.length());
      }
      whole.replace(part.offset(), part.length(), piece);
      at += part.length();
    }
    EXPECT_EQ(at, bytes.size()) << "payload and parts differ";
    largest_ = std::max(largest_, bytes.size());
  }
  std::map<std::string, std::string> bytes() {
    MutexLock lock(&mutex_);
    return bytes_;
  }
  size_t largest() {
    MutexLock lock(&mutex_);
    return largest_;
  }

 private:
  static std::string NameOf(const v1::SlicePart& part) {
    if (part.kind() != v1::TENSOR_KIND_ATTACHMENT) return part.key();
    EXPECT_EQ(part.dtype(), "bytes");
    EXPECT_EQ(part.shape_size(), 0);
    return "attachment " + part.key();
  }

  Mutex mutex_;
  std::map<std::string, std::string> bytes_ CAIRN_GUARDED_BY(mutex_);
  size_t largest_ CAIRN_GUARDED_BY(mutex_) = 0;
};

// Breaks after `good_messages` messages with `failure`, after it has said that `durable` parts are
// safe.
class FakeUpload : public UploadStream {
 public:
  FakeUpload(Received* received, int good_messages, absl::Status failure, int64_t durable = 0)
      : received_(received),
        good_messages_(good_messages),
        failure_(std::move(failure)),
        durable_(durable) {}

  absl::Status Write(const v1::UploadSlicesRequest& header,
                     absl::Span<const absl::string_view> payload,
                     std::shared_ptr<const void>) override {
    EXPECT_EQ(header.session().empty(), !first_) << "the first message alone names the session";
    first_ = false;
    if (good_messages_-- == 0) return failure_;
    received_->Take(header, payload);
    return absl::OkStatus();
  }
  absl::StatusOr<v1::UploadSlicesResponse> Finish() override {
    if (first_) return InvalidField("directory", "is required in the first message");
    if (good_messages_ < 0) return failure_;
    return v1::UploadSlicesResponse();
  }
  int64_t durable_parts() const override { return durable_; }
  void Cancel() override {}

 private:
  Received* const received_;
  int good_messages_;
  const absl::Status failure_;
  const int64_t durable_;
  bool first_ = true;
};

constexpr int kNeverBreaks = 1 << 30;

class StringSource : public SliceSource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::Status Read(int64_t offset, absl::Span<char> out) const override {
    if (fails_) return absl::UnavailableError("the disk is gone");
    bytes_.copy(out.data(), out.size(), offset);
    return absl::OkStatus();
  }
  void Fail() { fails_ = true; }

 private:
  const std::string bytes_;
  bool fails_ = false;
};

class SaveRunTest : public ::testing::Test {
 protected:
  SaveRunTest() {
    v1::ServerInfo info;
    info.set_part_bytes(64);
    info.set_max_payload_bytes(16);
    ON_CALL(connection_, GetServerInfo).WillByDefault([info](const auto&) { return info; });
    ON_CALL(connection_, CreateSaveSession).WillByDefault([](const auto& request) {
      return request.save_session();
    });
    ON_CALL(connection_, SealSaveSession).WillByDefault([](const auto&) {
      return v1::SaveSession();
    });
    ON_CALL(connection_, CommitSaveSession).WillByDefault([](const auto& request) {
      EXPECT_EQ(request.directory(), "runs/a");
      EXPECT_FALSE(request.session().empty());
      v1::Checkpoint checkpoint;
      checkpoint.set_reference("runs/a@1");
      checkpoint.set_stored_bytes(7);
      return checkpoint;
    });
    ON_CALL(connection_, AbortSaveSession).WillByDefault([](const auto&) {
      return v1::SaveSession();
    });
    ON_CALL(connection_, UploadSlices).WillByDefault([this](int) {
      return std::make_unique<FakeUpload>(&received_, kNeverBreaks, absl::OkStatus());
    });
  }

  // Bytes that differ everywhere.
  static std::string Bytes(size_t count) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 37 + i / 256);
    return bytes;
  }
  void AddTensor(const std::string& key, size_t bytes) {
    content_[key] = Bytes(bytes);
    slices_.push_back(WholeTensor(key, "uint8", {static_cast<int64_t>(bytes)}, content_.at(key)));
    slices_.back().expected_crc32c = Crc32c(content_.at(key));
  }
  absl::StatusOr<SaveResult> Save() {
    return RunSave(connection_, "runs/a", slices_, options_, &clock_, &random_);
  }

  NiceMock<MockConnection> connection_;
  Received received_;
  FakeClock clock_;
  SeededRandom random_{1};
  SaveOptions options_;
  std::map<std::string, std::string> content_;
  std::vector<SliceToSave> slices_;
};

TEST_F(SaveRunTest, EveryByteArrivesOverAnyNumberOfStreams) {
  for (int streams : {1, 2, 5}) {
    SCOPED_TRACE(streams);
    slices_.clear();
    options_.streams = streams;
    for (size_t bytes : {0, 1, 15, 16, 17, 63, 64, 65, 500}) {
      AddTensor("t" + std::to_string(bytes), bytes);
    }
    ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
    EXPECT_EQ(received_.bytes(), content_);
    EXPECT_LE(received_.largest(), 16);
    EXPECT_EQ(result.bytes_sent, 0 + 1 + 15 + 16 + 17 + 63 + 64 + 65 + 500);
    EXPECT_EQ(result.bytes_stored, 7);
  }
}

TEST_F(SaveRunTest, AStreamForWhichNothingIsLeftIsNotOpened) {
  options_.streams = 2;
  AddTensor("first", 16);
  AddTensor("second", 16);
  // Stream 1 opens when stream 0 has sent all that it could take.
  Mutex mutex;
  ConditionVariable changed;
  bool finished = false;
  class SlowToOpen : public FakeUpload {
   public:
    SlowToOpen(Received* received, std::function<void()> at_end)
        : FakeUpload(received, kNeverBreaks, absl::OkStatus()), at_end_(std::move(at_end)) {}
    ~SlowToOpen() override { at_end_(); }

   private:
    const std::function<void()> at_end_;
  };
  ON_CALL(connection_, UploadSlices).WillByDefault([&](int index) -> std::unique_ptr<UploadStream> {
    MutexLock lock(&mutex);
    while (index == 1 && !finished) changed.Wait(&mutex);
    return std::make_unique<SlowToOpen>(&received_, [&] {
      MutexLock lock(&mutex);
      finished = true;
      changed.NotifyAll();
    });
  });
  EXPECT_OK(Save());
  EXPECT_EQ(received_.bytes(), content_);
}

TEST_F(SaveRunTest, SourcesAreReadLikeMemory) {
  const StringSource source(Bytes(200));
  AddTensor("in_memory", 5);
  AddTensor("from_source", 200);
  slices_.back().bytes = "";
  slices_.back().source = &source;
  ASSERT_OK(Save());
  EXPECT_EQ(received_.bytes(), content_);
}

TEST_F(SaveRunTest, AttachmentsAreNoTensorsWhateverTheirNamesAndSizes) {
  AddTensor("same", 20);
  for (const size_t bytes : {0, 5, 500}) {
    const std::string name = bytes == 5 ? "same" : "a" + std::to_string(bytes);
    std::string& content = content_["attachment " + name] = Bytes(bytes);
    slices_.push_back(Attachment(name, content));
  }
  ASSERT_OK(Save());
  EXPECT_EQ(received_.bytes(), content_);
}

TEST_F(SaveRunTest, ErrorsTellAttachmentsFromTensors) {
  slices_.push_back(Attachment("graph", "bytes"));
  slices_.back().expected_crc32c = Crc32c("other bytes");
  EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("attachment graph")));
}

TEST_F(SaveRunTest, SealsWithTheNumberOfSlices) {
  AddTensor("a", 500);
  AddTensor("b", 1);
  EXPECT_CALL(connection_, SealSaveSession).WillOnce([](const v1::SealSaveSessionRequest& seal) {
    EXPECT_EQ(seal.slice_count(), 2);
    return v1::SaveSession();
  });
  EXPECT_OK(Save());
}

TEST_F(SaveRunTest, TheSessionIsToldTheOptions) {
  AddTensor("a", 1);
  options_.number = 7;
  options_.replace = true;
  options_.annotations["who"] = "me";
  options_.save_time = absl::FromUnixMillis(1500);
  EXPECT_CALL(connection_, CreateSaveSession).WillOnce([](const auto& request) {
    const v1::SaveSession& session = request.save_session();
    EXPECT_EQ(session.directory(), "runs/a");
    EXPECT_FALSE(session.session().empty());
    EXPECT_EQ(session.checkpoint_number(), 7);
    EXPECT_EQ(session.if_exists(), v1::SaveSession::IF_EXISTS_REPLACE);
    EXPECT_EQ(session.annotations().at("who"), "me");
    EXPECT_EQ(session.key_separator(), "/");
    EXPECT_FALSE(session.preserved());
    EXPECT_EQ(session.save_time().seconds(), 1);
    EXPECT_EQ(session.save_time().nanos(), 500000000);
    return session;
  });
  EXPECT_OK(Save());
}

TEST_F(SaveRunTest, AServerThatDoesNotKnowPreservedIsNotSentIt) {
  AddTensor("a", 1);
  options_.preserved = true;
  options_.session = "import-1";
  EXPECT_CALL(connection_, CreateSaveSession).Times(0);
  EXPECT_THAT(Save().status(), HasReason(ErrorReason::ERROR_REASON_NOT_YET));
}

TEST_F(SaveRunTest, AServerThatKnowsPreservedIsSentItInTheSessionOfTheCallersChoice) {
  AddTensor("a", 1);
  options_.preserved = true;
  options_.session = "import-1";
  ON_CALL(connection_, GetServerInfo).WillByDefault([](const auto&) {
    v1::ServerInfo info;
    info.set_part_bytes(1 << 20);
    info.set_max_payload_bytes(1 << 10);
    info.add_features("preserved");
    return info;
  });
  EXPECT_CALL(connection_, CreateSaveSession).WillOnce([](const auto& request) {
    EXPECT_TRUE(request.save_session().preserved());
    EXPECT_EQ(request.save_session().session(), "import-1");
    return request.save_session();
  });
  EXPECT_OK(Save());
}

TEST_F(SaveRunTest, OtherBytesThanExpectedNameTheKeyAndAbort) {
  for (size_t bytes : {10, 500}) {  // one message, and several parts
    SCOPED_TRACE(bytes);
    slices_.clear();
    AddTensor("good", 5);
    AddTensor("damaged/tensor", bytes);
    *slices_.back().expected_crc32c ^= 1;
    EXPECT_CALL(connection_, CommitSaveSession).Times(0);
    EXPECT_CALL(connection_, AbortSaveSession).Times(1);
    const auto result = Save();
    EXPECT_THAT(result, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged/tensor")));
    EXPECT_THAT(result, HasReason(ErrorReason::ERROR_REASON_CHECKSUM_MISMATCH));
    ::testing::Mock::VerifyAndClearExpectations(&connection_);
  }
}

TEST_F(SaveRunTest, ASourceThatFailsAbortsWithoutAnotherTry) {
  StringSource source("");
  source.Fail();
  AddTensor("a", 10);
  slices_.back().source = &source;
  EXPECT_CALL(connection_, UploadSlices).Times(1);
  EXPECT_CALL(connection_, AbortSaveSession).Times(1);
  EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the disk is gone")));
}

TEST_F(SaveRunTest, ABrokenStreamGoesOnWithWhatIsNotDurable) {
  options_.streams = 1;
  AddTensor("large", 64 * 4);  // four parts of four messages each
  int streams = 0;
  ON_CALL(connection_, UploadSlices).WillByDefault([&](int) -> std::unique_ptr<UploadStream> {
    if (streams++ > 0) {
      return std::make_unique<FakeUpload>(&received_, kNeverBreaks, absl::OkStatus());
    }
    return std::make_unique<FakeUpload>(&received_, 10, absl::UnavailableError("broken"), 2);
  });
  ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
  EXPECT_EQ(received_.bytes(), content_);
  EXPECT_EQ(streams, 2);
  // Ten messages went before the break; of them the last half part went again.
  EXPECT_EQ(result.bytes_sent, 10 * 16 + 2 * 64);
}

TEST_F(SaveRunTest, WhatTheServerHasAfterABreakIsNotSentAgain) {
  options_.streams = 1;
  AddTensor("large", 64 * 4);
  int streams = 0;
  ON_CALL(connection_, UploadSlices).WillByDefault([&](int) -> std::unique_ptr<UploadStream> {
    const int good = streams++ == 0 ? 14 : kNeverBreaks;
    return std::make_unique<FakeUpload>(&received_, good, absl::UnavailableError("broken"));
  });
  // The answers were lost, but three of the parts are there.
  EXPECT_CALL(connection_, ListSlices).WillRepeatedly([](const v1::ListSlicesRequest& request) {
    EXPECT_FALSE(request.session().empty());
    v1::ListSlicesResponse page;
    for (int part = 0; part < 3; ++part) {
      v1::StoredPart* stored = page.add_parts();
      stored->set_key("large");
      stored->add_shape(64 * 4);
      stored->set_offset(part * 64);
      stored->set_length(64);
    }
    return page;
  });
  Progress last;
  options_.progress = [&](const Progress& progress) { last = progress; };
  ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
  EXPECT_EQ(received_.bytes(), content_);
  EXPECT_EQ(result.bytes_sent, 14 * 16 + 64);
  EXPECT_EQ(last.done_bytes, 64 * 4);
}

class SeveralWritersTest : public SaveRunTest {
 protected:
  SeveralWritersTest() {
    ON_CALL(connection_, GetServerInfo).WillByDefault([](const auto&) {
      v1::ServerInfo info;
      info.set_part_bytes(64);
      info.set_max_payload_bytes(16);
      info.add_features("commit_when_sealed");
      info.add_features("incremental");
      return info;
    });
    options_.session = "step-7";
    options_.expected_writers = 3;
    options_.writer = "2";
    AddTensor("a", 40);
  }
};

TEST_F(SeveralWritersTest, AWriterSealsItsOwnAndLeavesTheCommit) {
  EXPECT_CALL(connection_, CreateSaveSession).WillOnce([](const auto& request) {
    EXPECT_EQ(request.save_session().expected_writers(), 3);
    EXPECT_TRUE(request.save_session().commit_when_sealed());
    return request.save_session();
  });
  EXPECT_CALL(connection_, SealSaveSession).WillOnce([](const auto& seal) {
    EXPECT_EQ(seal.writer(), "2");
    v1::SaveSession session;
    session.set_state(v1::SaveSession::STATE_OPEN);
    return session;
  });
  EXPECT_CALL(connection_, CommitSaveSession).Times(0);
  ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
  EXPECT_FALSE(result.committed);
}

TEST_F(SeveralWritersTest, TheLastToSealHasTheCheckpoint) {
  ON_CALL(connection_, CreateSaveSession).WillByDefault([](const auto& request) {
    v1::SaveSession session = request.save_session();
    session.set_uid("ab");
    return session;
  });
  EXPECT_CALL(connection_, SealSaveSession).WillOnce([](const auto&) {
    v1::SaveSession session;
    session.set_state(v1::SaveSession::STATE_COMMITTED);
    return session;
  });
  EXPECT_CALL(connection_, GetCheckpoint).WillOnce([](const v1::GetCheckpointRequest& request) {
    EXPECT_EQ(request.checkpoint(), "uid:ab");
    v1::Checkpoint checkpoint;
    checkpoint.set_reference("runs/a@4");
    return checkpoint;
  });
  ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
  EXPECT_TRUE(result.committed);
  EXPECT_EQ(result.checkpoint.reference(), "runs/a@4");
}

TEST_F(SeveralWritersTest, AWriterThatFailsLeavesTheSessionToTheOthers) {
  *slices_.back().expected_crc32c ^= 1;
  EXPECT_CALL(connection_, AbortSaveSession).Times(0);
  EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SeveralWritersTest, TheyMeetByTheNameOfTheSession) {
  options_.session.clear();
  EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("session")));
}

TEST_F(SeveralWritersTest, AnOlderServerIsNotAsked) {
  ON_CALL(connection_, GetServerInfo).WillByDefault([](const auto&) { return v1::ServerInfo(); });
  EXPECT_CALL(connection_, CreateSaveSession).Times(0);
  EXPECT_THAT(Save(), HasReason(ErrorReason::ERROR_REASON_NOT_YET));
}

TEST_F(SeveralWritersTest, WhatTheBaseHoldsIsNamedAndNotSent) {
  options_.expected_writers = 1;
  options_.streams = 1;
  options_.base = "latest";
  ON_CALL(connection_, CreateSaveSession).WillByDefault([](const auto& request) {
    v1::SaveSession session = request.save_session();
    EXPECT_EQ(session.base(), "latest");
    session.set_base("uid:77");
    return session;
  });
  EXPECT_CALL(connection_, ListSlices).WillOnce([this](const v1::ListSlicesRequest& request) {
    EXPECT_EQ(request.checkpoint(), "uid:77");
    v1::ListSlicesResponse page;
    v1::StoredPart* part = page.add_parts();
    part->set_key("was called b");
    for (int piece : {0, 1}) {
      v1::StoredPart::Piece* stored = part->add_pieces();
      const std::string bytes = content_.at("a").substr(piece * 16, 16);
      stored->set_length(16);
      stored->set_xxh3_128(Xxh3Digest(bytes));
    }
    return page;
  });
  std::vector<v1::SlicePart> parts;
  std::string payload;
  ON_CALL(connection_, UploadSlices).WillByDefault([&](int) {
    auto stream = std::make_unique<NiceMock<MockUploadStream>>();
    ON_CALL(*stream, Write).WillByDefault([&](const auto& header, const auto& ranges, auto) {
      parts.insert(parts.end(), header.parts().begin(), header.parts().end());
      for (const absl::string_view range : ranges) payload.append(range.data(), range.size());
      return absl::OkStatus();
    });
    ON_CALL(*stream, Finish).WillByDefault([] { return v1::UploadSlicesResponse(); });
    return stream;
  });
  ASSERT_OK_AND_ASSIGN(const SaveResult result, Save());
  EXPECT_EQ(payload, content_.at("a").substr(32));
  ASSERT_EQ(parts.size(), 3);
  EXPECT_EQ(parts[1].base_range().key(), "was called b");
  EXPECT_EQ(parts[1].base_range().offset(), 16);
  EXPECT_EQ(parts[1].offset(), 16);
  EXPECT_EQ(parts[1].length(), 16);
  EXPECT_FALSE(parts[2].has_base_range());
  EXPECT_EQ(result.bytes_sent, 8);
  EXPECT_EQ(result.bytes_reused, 32);
}

TEST_F(SaveRunTest, AServerThatStaysAwayFailsTheSave) {
  AddTensor("a", 10);
  ON_CALL(connection_, UploadSlices).WillByDefault([this](int) {
    return std::make_unique<FakeUpload>(&received_, 0, absl::UnavailableError("no server"));
  });
  EXPECT_CALL(connection_, UploadSlices).Times(AtLeast(2));
  EXPECT_CALL(connection_, AbortSaveSession).Times(1);
  EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no server")));
}

TEST_F(SaveRunTest, ARefusalEndsAllStreamsAndKeepsItsReason) {
  options_.streams = 4;
  for (int i = 0; i < 20; ++i) AddTensor("t" + std::to_string(i), 100);
  const absl::Status refusal = MakeError(ErrorReason::ERROR_REASON_STORAGE_FULL,
                                         absl::StatusCode::kResourceExhausted, "disk full");
  ON_CALL(connection_, UploadSlices).WillByDefault([&](int) {
    return std::make_unique<FakeUpload>(&received_, 3, refusal);
  });
  EXPECT_CALL(connection_, CommitSaveSession).Times(0);
  EXPECT_EQ(Save().status(), refusal);
}

TEST_F(SaveRunTest, ASessionThatDoesNotOpenIsNotAborted) {
  AddTensor("a", 10);
  EXPECT_CALL(connection_, CreateSaveSession).WillOnce([](const auto&) {
    return MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
                     "in use");
  });
  EXPECT_CALL(connection_, AbortSaveSession).Times(0);
  EXPECT_THAT(Save(), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
}

TEST_F(SaveRunTest, ProgressEndsAtTheTotal) {
  AddTensor("a", 300);
  Progress last;
  options_.progress = [&](const Progress& progress) { last = progress; };
  ASSERT_OK(Save());
  EXPECT_EQ(last.done_bytes, 300);
  EXPECT_EQ(last.total_bytes, 300);
}

TEST_F(SaveRunTest, StreamsAreOneToSixteen) {
  for (int streams : {0, -1, 17}) {
    options_.streams = streams;
    EXPECT_THAT(Save(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("streams")));
  }
}

}  // namespace
}  // namespace cairn
