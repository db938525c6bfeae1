#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/save_session.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SealTest : public StorageTest {
 protected:
  static SessionOptions CommitsWhenSealed(int writers) {
    SessionOptions options = Named("s");
    options.expected_writers = writers;
    options.commit_when_sealed = true;
    return options;
  }

  // Row `row` of a tensor of uint8 of shape [rows, 4].
  absl::Status UploadRow(const std::string& writer, const std::string& key, int64_t row,
                         int64_t rows) {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                           sessions_.NewSliceWriter(kRuns, "s", writer, /*inline_parts=*/false));
    const SliceSpec slice{
        .key = key, .dtype = "uint8", .shape = {rows, 4}, .box = {{row, 0}, {1, 4}}};
    const absl::string_view bytes = "abcd";
    CAIRN_RETURN_IF_ERROR(stream->Append(slice, 0, {&bytes, 1}, std::nullopt));
    return stream->Finish();
  }

  // One of many: joins, and saves a row of a shared tensor, a tensor of its own, and a scalar that
  // all of them save.
  absl::Status UploadRank(int rank, int ranks) {
    const std::string name = absl::StrCat("rank-", rank);
    CAIRN_RETURN_IF_ERROR(sessions_.Create(kRuns, CommitsWhenSealed(ranks)).status());
    CAIRN_RETURN_IF_ERROR(UploadRow(name, "shared", rank, ranks));
    CAIRN_RETURN_IF_ERROR(Upload("s", name, absl::StrCat("own-", rank), 16));
    return Upload("s", name, "step", 8);
  }

  SessionRecord::State State() { return sessions_.Get(kRuns, "s")->record.state(); }
};

TEST_F(SealTest, TheLastWriterCommits) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(2)));
  ASSERT_OK(Upload("s", "0", "v", 10));
  ASSERT_OK(Upload("s", "1", "w", 10));
  ASSERT_OK_AND_ASSIGN(const SessionInfo first, sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_EQ(first.record.state(), SessionRecord::STATE_OPEN);
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_EQ(State(), SessionRecord::STATE_OPEN);
  ASSERT_OK_AND_ASSIGN(const SessionInfo last, sessions_.Seal(kRuns, "s", "1", 1));
  EXPECT_EQ(last.record.state(), SessionRecord::STATE_COMMITTED);
  EXPECT_EQ(last.record.checkpoint().uid(), checkpoints_.Get(kRuns, "")->uid());
  EXPECT_EQ(last.record.checkpoint().tensor_count(), 2);
}

TEST_F(SealTest, ASealAgainAnswersWhatItCommittedAndNoOther) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(1)));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK_AND_ASSIGN(const SessionInfo sealed, sessions_.Seal(kRuns, "s", "0", 1));
  ASSERT_OK_AND_ASSIGN(const SessionInfo again, sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_EQ(again.record.SerializeAsString(), sealed.record.SerializeAsString());
  for (const absl::Status& status :
       {sessions_.Seal(kRuns, "s", "0", 2).status(), sessions_.Seal(kRuns, "s", "1", 1).status()}) {
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
  }
}

TEST_F(SealTest, ASealWhoseCommitFailsIsKeptAndAnyLaterOneTriesAgain) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(2)));
  ASSERT_OK(UploadRow("0", "w", 0, 3));
  ASSERT_OK(UploadRow("1", "w", 1, 3));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  for (const char* writer : {"1", "1", "0"}) {
    const absl::Status status = sessions_.Seal(kRuns, "s", writer, 1).status();
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SLICES_MISSING));
    EXPECT_THAT(status.message(), AllOf(HasSubstr(" of w holds "), HasSubstr("0, 1 saved")));
    EXPECT_EQ(DetailOf(status).metadata().at("writers"), "0, 1");
    EXPECT_EQ(State(), SessionRecord::STATE_OPEN);
  }
  EXPECT_THAT(sessions_.Get(kRuns, "s")->writers, SizeIs(2));
  ASSERT_OK(UploadRow("1", "w", 2, 3));
  // The other writer's count is right, the one of writer 1 is not yet.
  const absl::Status counts = sessions_.Seal(kRuns, "s", "0", 1).status();
  EXPECT_THAT(counts, HasReason(ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH));
  EXPECT_EQ(DetailOf(counts).metadata().at("writer"), "1");
  ASSERT_OK_AND_ASSIGN(const SessionInfo sealed, sessions_.Seal(kRuns, "s", "1", 2));
  EXPECT_EQ(sealed.record.state(), SessionRecord::STATE_COMMITTED);
}

TEST_F(SealTest, ACommitAfterAFailedOneTriesAgainToo) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(1)));
  EXPECT_THAT(sessions_.Seal(kRuns, "s", "0", 1),
              HasReason(ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Commit(kRuns, "s"));
  EXPECT_EQ(sessions_.Seal(kRuns, "s", "0", 1)->record.state(), SessionRecord::STATE_COMMITTED);
}

TEST_F(SealTest, ConcurrentLastSealsCommitOnceAndAgree) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(1)));
  ASSERT_OK(Upload("s", "0", "w", 10));
  std::vector<std::string> uids(6);
  std::vector<std::thread> threads;
  for (std::string& uid : uids) {
    threads.emplace_back(
        [&] { uid = sessions_.Seal(kRuns, "s", "0", 1)->record.checkpoint().uid(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(uids, Each(checkpoints_.Get(kRuns, "")->uid()));
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.change_sequence(), 1);
}

TEST_F(SealTest, ARestartForgetsNoSeal) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(2)));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 0));
  SaveSessions restarted(options(), &catalog_, &locks_);
  ASSERT_OK_AND_ASSIGN(const SessionInfo sealed, restarted.Seal(kRuns, "s", "1", 0));
  EXPECT_EQ(sealed.record.state(), SessionRecord::STATE_COMMITTED);
}

TEST_F(SealTest, OfWritersThatSealAtOnceOneCommits) {
  constexpr int kWriters = 8;
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(kWriters)));
  std::vector<absl::StatusOr<SessionInfo>> answers(kWriters);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back(
        [&, i] { answers[i] = sessions_.Seal(kRuns, "s", absl::StrCat("rank-", i), 0); });
  }
  for (std::thread& thread : threads) thread.join();
  int committed = 0;
  for (const absl::StatusOr<SessionInfo>& answer : answers) {
    ASSERT_OK(answer);
    if (IsOpen(answer->record)) continue;
    ++committed;
    EXPECT_EQ(answer->record.checkpoint().uid(), checkpoints_.Get(kRuns, "")->uid());
  }
  EXPECT_GE(committed, 1);
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.change_sequence(), 1);
}

TEST_F(SealTest, ALostAnswerOfASealIsMetByRepeatingIt) {
  for (const Fault fault : {Fault::kUnknownApplied, Fault::kUnknownDropped}) {
    for (int64_t nth = 1; nth <= 3; ++nth) {  // the seal, the manifest's end, what publishes
      SessionOptions options = CommitsWhenSealed(1);
      options.session = absl::StrCat("s", nth, "-", static_cast<int>(fault));
      ASSERT_OK(sessions_.Create(kRuns, options));
      ASSERT_OK(Upload(options.session, "0", "w", 10));
      faults_.FailNth(Operation::kWrite, nth, fault);
      (void)sessions_.Seal(kRuns, options.session, "0", 1);
      faults_.Clear();
      ASSERT_OK_AND_ASSIGN(const SessionInfo sealed,
                           sessions_.Seal(kRuns, options.session, "0", 1));
      EXPECT_EQ(sealed.record.state(), SessionRecord::STATE_COMMITTED);
      EXPECT_EQ(sealed.record.sealed_writers(), 1);
    }
  }
}

TEST_F(SealTest, TwoWritersThatSaveTheSameSliceBothCountIt) {
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(2)));
  ASSERT_OK(Upload("s", "0", "step", 8));
  ASSERT_OK(Upload("s", "1", "step", 8));
  ASSERT_OK(Upload("s", "1", "w", 8));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  ASSERT_OK_AND_ASSIGN(const SessionInfo sealed, sessions_.Seal(kRuns, "s", "1", 2));
  EXPECT_EQ(sealed.record.checkpoint().slice_count(), 2);
}

// As many as a large training job has.
TEST_F(SealTest, AThousandWritersFinishOneCheckpointAtAFixedCostEach) {
  constexpr int kWriters = 1000;
  constexpr int kThreads = 8;
  ASSERT_OK(sessions_.Create(kRuns, CommitsWhenSealed(kWriters)));
  std::vector<int> failures(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int writer = t; writer < kWriters - 1; writer += kThreads) {
        failures[t] += !UploadRank(writer, kWriters).ok() ||
                       !sessions_.Seal(kRuns, "s", absl::StrCat("rank-", writer), 3).ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, Each(0));

  ASSERT_OK(UploadRank(kWriters - 1, kWriters));
  const auto counts = [&] {
    return std::vector<int64_t>{faults_.count(Operation::kGet), faults_.count(Operation::kScan),
                                faults_.count(Operation::kWrite)};
  };
  const std::vector<int64_t> before = counts();
  ASSERT_OK(sessions_.Seal(kRuns, "s", "rank-998", 3));
  const std::vector<int64_t> after = counts();
  EXPECT_THAT(
      (std::vector<int64_t>{after[0] - before[0], after[1] - before[1], after[2] - before[2]}),
      ElementsAre(4, 0, 0));  // of path, head, session and writer
  ASSERT_OK_AND_ASSIGN(const SessionInfo sealed, sessions_.Seal(kRuns, "s", "rank-999", 3));
  EXPECT_EQ(sealed.record.state(), SessionRecord::STATE_COMMITTED);
  EXPECT_THAT(sealed.writers, SizeIs(1));
  EXPECT_THAT(sessions_.Get(kRuns, "s")->writers, SizeIs(kWriters));
  EXPECT_EQ(sealed.record.checkpoint().tensor_count(), kWriters + 2);
  EXPECT_EQ(sealed.record.checkpoint().slice_count(), 2 * kWriters + 1);
}

}  // namespace
}  // namespace cairn::storage
