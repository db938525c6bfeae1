#include "server/inline_save.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/status_matchers.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::_;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Return;

v1::SaveCheckpointRequest Request() {
  v1::SaveCheckpointRequest request;
  request.set_directory("d");
  v1::InlineTensor* tensor = request.add_tensors();
  tensor->set_key("w");
  tensor->add_values(1);
  return request;
}

storage::SessionInfo Session(storage::SessionRecord::State state) {
  storage::SessionInfo session;
  session.record.set_session("s");
  session.record.set_state(state);
  return session;
}

class InlineSaveTest : public ::testing::Test {
 protected:
  void ExpectWriter(absl::Status append) {
    auto writer = std::make_unique<MockSliceWriter>();
    EXPECT_CALL(*writer, Append).WillRepeatedly(Return(append));
    if (append.ok()) EXPECT_CALL(*writer, Finish).WillOnce(Return(absl::OkStatus()));
    EXPECT_CALL(store_, NewSliceWriter(Eq("d"), Eq("s"), Eq("0"), true))
        .WillOnce(Return(std::move(writer)));
  }

  ::testing::StrictMock<MockStore> store_;
};

TEST_F(InlineSaveTest, FillsSealsAndCommits) {
  EXPECT_CALL(store_, CreateSession(Eq("d"), _))
      .WillOnce(Return(Session(storage::SessionRecord::STATE_OPEN)));
  ExpectWriter(absl::OkStatus());
  EXPECT_CALL(store_, SealSession(Eq("d"), Eq("s"), Eq("0"), 1))
      .WillOnce(Return(Session(storage::SessionRecord::STATE_OPEN)));
  storage::CheckpointRecord checkpoint;
  checkpoint.set_number(7);
  EXPECT_CALL(store_, CommitSession(Eq("d"), Eq("s"))).WillOnce(Return(checkpoint));
  ASSERT_OK_AND_ASSIGN(storage::CheckpointRecord saved, SaveInline(&store_, Request()));
  EXPECT_EQ(saved.number(), 7);
}

TEST_F(InlineSaveTest, RepeatOfARequestGivesItsCheckpoint) {
  std::string first_id;
  storage::SessionInfo committed = Session(storage::SessionRecord::STATE_COMMITTED);
  committed.record.mutable_checkpoint()->set_number(7);
  EXPECT_CALL(store_, CreateSession(Eq("d"), _))
      .Times(3)
      .WillRepeatedly(
          [&](absl::string_view,
              const storage::SessionOptions& options) -> absl::StatusOr<storage::SessionInfo> {
            EXPECT_FALSE(options.session.empty());
            if (first_id.empty()) first_id = options.session;
            if (options.session != first_id) return absl::AlreadyExistsError("another id");
            return committed;
          });
  v1::SaveCheckpointRequest request = Request();
  request.set_request_id("mine / with any characters");
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(storage::CheckpointRecord saved, SaveInline(&store_, request));
    EXPECT_EQ(saved.number(), 7);
  }
  request.set_request_id("another");
  EXPECT_THAT(SaveInline(&store_, request), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(InlineSaveTest, PreservedReachesTheSession) {
  for (const bool preserved : {false, true}) {
    EXPECT_CALL(store_, CreateSession(Eq("d"), _))
        .WillOnce([preserved](absl::string_view, const storage::SessionOptions& options) {
          EXPECT_EQ(options.preserved, preserved);
          return Session(storage::SessionRecord::STATE_COMMITTED);
        });
    v1::SaveCheckpointRequest request = Request();
    request.set_preserved(preserved);
    EXPECT_OK(SaveInline(&store_, request).status());
  }
}

TEST_F(InlineSaveTest, FailureAbortsWhatNobodyCanRepeat) {
  EXPECT_CALL(store_, CreateSession(Eq("d"), _))
      .WillOnce(Return(Session(storage::SessionRecord::STATE_OPEN)));
  ExpectWriter(absl::UnavailableError("disk"));
  EXPECT_CALL(store_, AbortSession(Eq("d"), Eq("s"), _))
      .WillOnce(Return(Session(storage::SessionRecord::STATE_ABORTED)));
  EXPECT_THAT(SaveInline(&store_, Request()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("tensor w")));
}

TEST_F(InlineSaveTest, FailureLeavesARequestsSessionToItsRepeat) {
  EXPECT_CALL(store_, CreateSession(Eq("d"), _))
      .WillOnce(Return(Session(storage::SessionRecord::STATE_OPEN)));
  ExpectWriter(absl::UnavailableError("disk"));
  v1::SaveCheckpointRequest request = Request();
  request.set_request_id("mine");
  EXPECT_THAT(SaveInline(&store_, request), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(InlineSaveTest, BadTensorsTouchNothing) {
  v1::SaveCheckpointRequest none = Request();
  none.clear_tensors();
  EXPECT_THAT(SaveInline(&store_, none), StatusIs(absl::StatusCode::kInvalidArgument));

  v1::SaveCheckpointRequest twice = Request();
  *twice.add_tensors() = twice.tensors(0);
  EXPECT_THAT(SaveInline(&store_, twice),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tensors[1].key")));

  v1::SaveCheckpointRequest large = Request();
  large.mutable_tensors(0)->clear_values();
  large.mutable_tensors(0)->set_dtype("uint8");
  large.mutable_tensors(0)->set_data(std::string(kMaxInlineBytes + 1, 'x'));
  EXPECT_THAT(SaveInline(&store_, large),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("save session")));
}

}  // namespace
}  // namespace cairn::server
