#include "storage/save_session.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SaveSessionTest : public StorageTest {
 protected:
  // The number that a save gets; -1 when it fails.
  int64_t SavedNumber(const SessionOptions& options = {}) {
    const absl::StatusOr<CheckpointRecord> saved = Save(options);
    return saved.ok() ? saved->number() : -1;
  }

  int64_t OpenedNumber(const SessionOptions& options = {}) {
    const absl::StatusOr<SessionInfo> opened = sessions_.Create(kRuns, options);
    return opened.ok() ? opened->record.number() : -1;
  }

  int64_t SaveCounter() { return catalog_.Find(kRuns)->head.record.save_counter(); }

  SessionRecord::State StateOf(absl::string_view session) {
    return sessions_.Get(kRuns, session)->record.state();
  }
};

// --- Numbers.

TEST_F(SaveSessionTest, TheFirstNumberIsOneAndEachSaveCounts) {
  for (const int64_t expected : {1, 2, 3}) EXPECT_EQ(SavedNumber(), expected);
}

TEST_F(SaveSessionTest, ExplicitNumbersCountToo) {
  EXPECT_EQ(SavedNumber(Numbered(1000)), 1000);
  EXPECT_EQ(SaveCounter(), 1);
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_EQ(SavedNumber(Numbered(0)), 0);
  EXPECT_EQ(SavedNumber(), 4);
}

TEST_F(SaveSessionTest, TheCounterRisesOverNumbersInUse) {
  for (const int64_t number : {3, 4, 5, 7}) ASSERT_EQ(SavedNumber(Numbered(number)), number);
  EXPECT_EQ(SavedNumber(), 6);  // the counter was 4; 5 is in use
  EXPECT_EQ(SavedNumber(), 8);
  EXPECT_EQ(SaveCounter(), 8);
}

TEST_F(SaveSessionTest, ANumberIsPromisedWhenTheSessionOpens) {
  EXPECT_EQ(OpenedNumber(Numbered(2)), 2);
  EXPECT_EQ(OpenedNumber(), 3);  // the counter was 1, and 2 is promised
  EXPECT_EQ(OpenedNumber(), 4);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(3)), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
}

TEST_F(SaveSessionTest, AnAbortedSessionLeavesAGap) {
  ASSERT_OK(sessions_.Create(kRuns, Named("a")));
  ASSERT_OK(sessions_.Abort(kRuns, "a", "because"));
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_EQ(SavedNumber(Numbered(1)), 1);  // the promise is gone
}

TEST_F(SaveSessionTest, AnExpiredSessionFreesItsNumber) {
  ASSERT_OK(sessions_.Create(kRuns, Numbered(9)));
  EXPECT_EQ(SavedNumber(Numbered(9)), -1);
  clock_.Advance(kDefaultSessionTtl);
  EXPECT_EQ(SavedNumber(Numbered(9)), 9);
}

TEST_F(SaveSessionTest, ANumberInUseIsRefusedAndTheWayOutNamed) {
  ASSERT_EQ(SavedNumber(Numbered(1000)), 1000);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(1000)),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("number 1000 is in use in runs/a"), HasSubstr("--number"), HasSubstr("--replace"))));
  EXPECT_EQ(SaveCounter(), 1);  // a refused session counts for nothing
}

TEST_F(SaveSessionTest, NumbersReachToTheEnd) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(SavedNumber(Numbered(kMax)), kMax);
  EXPECT_EQ(SavedNumber(), 2);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(-1)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-1")));
}

// --- Replacing.

TEST_F(SaveSessionTest, AReplacementBecomesTheNewestAndTheOldOneGarbage) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  ASSERT_OK(Save(Numbered(8)));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord fresh, Save(Numbered(7, /*replace=*/true)));
  EXPECT_NE(fresh.uid(), old.uid());
  EXPECT_EQ(checkpoints_.Get(kRuns, "7")->uid(), fresh.uid());
  EXPECT_EQ(checkpoints_.Get(kRuns, "latest")->uid(), fresh.uid());
  ASSERT_OK_AND_ASSIGN(const Directory directory, catalog_.Find(kRuns));
  EXPECT_EQ(directory.head.record.checkpoint_count(), 2);
  EXPECT_THAT(RowKeys(directory.partition(), kOrderPrefix), SizeIs(2));
  EXPECT_THAT(RowKeys(directory.partition(), kCheckpointPrefix), SizeIs(2));
  EXPECT_THAT(RowKeys(directory.partition(), kGarbagePrefix), ElementsAre(GarbageKey(*Uid::FromBytes(old.uid()))));
}

TEST_F(SaveSessionTest, UntilItsCommitTheOldOneStays) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  ASSERT_OK(sessions_.Create(kRuns, Numbered(7, /*replace=*/true)));
  EXPECT_EQ(checkpoints_.Get(kRuns, "7")->uid(), old.uid());
}

TEST_F(SaveSessionTest, TwoMayHoldANumberIfBothReplace) {
  SessionOptions first = Numbered(7, /*replace=*/true);
  first.session = "first";
  SessionOptions second = first;
  second.session = "second";
  ASSERT_OK(sessions_.Create(kRuns, first));
  ASSERT_OK(sessions_.Create(kRuns, second));
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(7)), HasReason(ErrorReason::ERROR_REASON_NUMBER_TAKEN));
  for (const char* session : {"second", "first"}) {
    ASSERT_OK(sessions_.Seal(kRuns, session, "0", 0));
    ASSERT_OK(sessions_.Commit(kRuns, session));
    EXPECT_EQ(checkpoints_.Get(kRuns, "7")->session(), session);
  }
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.checkpoint_count(), 1);
}

TEST_F(SaveSessionTest, ATaggedCheckpointIsNotReplaced) {
  ASSERT_OK(sessions_.Create(kRuns, Named("empty")));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord old, Save(Numbered(7)));
  SessionOptions replacing = Numbered(7, /*replace=*/true);
  replacing.session = "s";
  ASSERT_OK(sessions_.Create(kRuns, replacing));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 0));
  Tag(old, "prod");
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  EXPECT_THAT(sessions_.Create(kRuns, Numbered(7, true)), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_PROTECTED));
}

// --- Joining.

TEST_F(SaveSessionTest, TheSameSettingsJoin) {
  SessionOptions options = Named("s");
  options.metrics = {{"loss", std::numeric_limits<double>::quiet_NaN()}};
  ASSERT_OK_AND_ASSIGN(const SessionInfo first, sessions_.Create(kRuns, options));
  ASSERT_OK_AND_ASSIGN(const SessionInfo second, sessions_.Create(kRuns, options));
  EXPECT_EQ(first.record.manifest_uid(), second.record.manifest_uid());
  EXPECT_EQ(second.record.number(), 1);
}

TEST_F(SaveSessionTest, OtherSettingsDoNotAndTheFieldIsNamed) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  const auto expect_field = [&](absl::string_view field, auto change) {
    SessionOptions options = Named("s");
    change(options);
    const absl::Status status = sessions_.Create(kRuns, options).status();
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_EXISTS));
    EXPECT_EQ(DetailOf(status).metadata().at("field"), field);
  };
  expect_field("checkpoint_number", [](auto& options) { options.number = 1; });
  expect_field("if_exists", [](auto& options) { options.replace = true; });
  expect_field("expected_writers", [](auto& options) { options.expected_writers = 2; });
  expect_field("annotations", [](auto& options) { options.annotations = {{"a", "b"}}; });
  expect_field("metrics", [](auto& options) { options.metrics = {{"a", 1}}; });
  expect_field("key_separator", [](auto& options) { options.key_separator = "."; });
  expect_field("save_time", [](auto& options) { options.save_time = absl::FromUnixSeconds(1); });
  expect_field("ttl", [](auto& options) { options.ttl = absl::Minutes(1); });
}

TEST_F(SaveSessionTest, BadSettingsAreRefused) {
  const auto expect_refused = [&](auto change) {
    SessionOptions options;
    change(options);
    EXPECT_THAT(sessions_.Create(kRuns, options), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
  };
  expect_refused([](auto& options) { options.session = "a/b"; });
  expect_refused([](auto& options) { options.expected_writers = 0; });
  expect_refused([](auto& options) { options.ttl = absl::ZeroDuration(); });
  expect_refused([](auto& options) { options.ttl = kMaxSessionTtl + absl::Seconds(1); });
  expect_refused([](auto& options) { options.key_separator = ""; });
  expect_refused([](auto& options) { options.key_separator = "::"; });
  EXPECT_THAT(catalog_.Find(kRuns), HasReason(ErrorReason::ERROR_REASON_DIRECTORY_NOT_FOUND));
}

// --- Sealing and committing.

TEST_F(SaveSessionTest, NothingIsVisibleBeforeTheCommitAndAllAfter) {
  SessionOptions options = Named("s");
  options.annotations = {{"a", "b"}};
  options.metrics = {{"loss", 0.5}};
  options.key_separator = ".";
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_THAT(checkpoints_.Get(kRuns, ""), HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
  EXPECT_THAT(checkpoints_.List(kRuns, CheckpointOrder::kCommit, "", 10)->items, IsEmpty());
  clock_.Advance(absl::Seconds(5));
  ASSERT_OK(sessions_.Commit(kRuns, "s"));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord found, checkpoints_.Get(kRuns, ""));
  EXPECT_EQ(found.number(), 1);
  EXPECT_EQ(found.sequence(), 1);
  EXPECT_EQ(found.tensor_count(), 1);
  EXPECT_EQ(found.slice_count(), 1);
  EXPECT_EQ(found.logical_bytes(), 10);
  EXPECT_EQ(found.commit_time(), absl::ToUnixMicros(clock_.Now()));
  EXPECT_EQ(found.save_time(), found.commit_time());
  EXPECT_EQ(found.create_time(), found.commit_time() - 5000000);
  EXPECT_EQ(found.annotations().at("a"), "b");
  EXPECT_EQ(found.metrics().at("loss"), 0.5);
  EXPECT_EQ(found.key_separator(), ".");
  EXPECT_EQ(found.session(), "s");
}

TEST_F(SaveSessionTest, ACommitIsIdempotentAndClosesTheSession) {
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord saved, Save(Named("s")));
  EXPECT_EQ(sessions_.Commit(kRuns, "s")->uid(), saved.uid());
  EXPECT_EQ(sessions_.Create(kRuns, Named("s"))->record.state(), SessionRecord::STATE_COMMITTED);
  for (const absl::Status& status :
       {sessions_.Renew(kRuns, "s").status(), sessions_.Seal(kRuns, "s", "0", 1).status(),
        sessions_.Abort(kRuns, "s", "").status(), Upload("s", "0", "v", 1)}) {
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
  }
}

TEST_F(SaveSessionTest, EveryWriterMustSeal) {
  SessionOptions options = Named("s");
  options.expected_writers = 3;
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "b", 0));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "a", 0));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "a", 0));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("2 of 3 writers sealed, among them a, b")));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_WRITERS_NOT_SEALED));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "c", 0));
  EXPECT_OK(sessions_.Commit(kRuns, "s"));
}

TEST_F(SaveSessionTest, SealedCountsAreThoseOfTheStoredSlices) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 2));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  ASSERT_OK(Upload("s", "stranger", "v", 10));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("stranger")));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  ASSERT_OK(sessions_.Seal(kRuns, "s", "stranger", 1));
  EXPECT_OK(sessions_.Commit(kRuns, "s"));
  EXPECT_THAT(sessions_.Seal(kRuns, "s", "0", -1), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SaveSessionTest, ConcurrentCommittersAreTotallyOrdered) {
  constexpr int kThreads = 6;
  constexpr int kSaves = 10;
  std::vector<std::thread> threads;
  std::vector<int> saved(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int save = 0; save < kSaves; ++save) saved[i] += Save().ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(saved, ::testing::Each(kSaves));
  std::set<int64_t> numbers;
  std::vector<int64_t> sequences;
  for (const CheckpointRecord& item : checkpoints_.List(kRuns, CheckpointOrder::kCommit, "", 1000)->items) {
    numbers.insert(item.number());
    sequences.push_back(item.sequence());
  }
  EXPECT_THAT(numbers, SizeIs(kThreads * kSaves));
  EXPECT_EQ(*numbers.rbegin(), kThreads * kSaves);
  EXPECT_TRUE(std::is_sorted(sequences.begin(), sequences.end()));
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.checkpoint_count(), kThreads * kSaves);
}

TEST_F(SaveSessionTest, ConcurrentCommitsOfOneSessionAgree) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 0));
  std::vector<std::string> uids(6);
  std::vector<std::thread> threads;
  for (std::string& uid : uids) threads.emplace_back([&] { uid = sessions_.Commit(kRuns, "s")->uid(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(uids, ::testing::Each(checkpoints_.Get(kRuns, "")->uid()));
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.change_sequence(), 1);
}

// --- Ends and leases.

TEST_F(SaveSessionTest, AnAbortIsIdempotentAndLeavesGarbage) {
  ASSERT_OK_AND_ASSIGN(const SessionInfo opened, sessions_.Create(kRuns, Named("s")));
  ASSERT_OK_AND_ASSIGN(const SessionInfo aborted, sessions_.Abort(kRuns, "s", "out of memory"));
  EXPECT_EQ(aborted.record.state(), SessionRecord::STATE_ABORTED);
  EXPECT_EQ(sessions_.Abort(kRuns, "s", "other")->record.abort_reason(), "out of memory");
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("aborted (out of memory)")));
  const Partition partition = catalog_.Find(kRuns)->partition();
  EXPECT_THAT(RowKeys(partition, kPromisePrefix), IsEmpty());
  EXPECT_THAT(RowKeys(partition, kGarbagePrefix), ElementsAre(GarbageKey(*Uid::FromBytes(opened.record.manifest_uid()))));
}

TEST_F(SaveSessionTest, ALeaseEndsWithoutRenewal) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  clock_.Advance(kDefaultSessionTtl - absl::Seconds(1));
  ASSERT_OK(sessions_.Renew(kRuns, "s"));
  clock_.Advance(kDefaultSessionTtl - absl::Seconds(1));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_EXPIRED);
  EXPECT_THAT(sessions_.Renew(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
}

TEST_F(SaveSessionTest, AnUploadRenewsInMemoryAndNowAndThenInTheRow) {
  SessionOptions options = Named("s");
  options.ttl = absl::Minutes(4);
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(Upload("s", "0", "first", 1));
  const Partition partition = catalog_.Find(kRuns)->partition();
  const auto row = [&] { return *memory_table_.Get(partition, SessionKey("s")); };
  const auto first = row();
  clock_.Advance(absl::Seconds(59));
  ASSERT_OK(Upload("s", "0", "second", 1));
  EXPECT_EQ(row(), first);
  EXPECT_EQ(sessions_.Get(kRuns, "s")->record.expire_time(), absl::ToUnixMicros(clock_.Now() + options.ttl));
  clock_.Advance(absl::Seconds(2));
  ASSERT_OK(Upload("s", "0", "third", 1));
  EXPECT_NE(row(), first);
}

TEST_F(SaveSessionTest, ARestartGivesOpenSessionsTheirTtlAnew) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  clock_.Advance(absl::Hours(5));
  SaveSessions restarted(options(), &catalog_, &locks_);
  EXPECT_EQ(restarted.Get(kRuns, "s")->record.state(), SessionRecord::STATE_OPEN);
  clock_.Advance(kDefaultSessionTtl);
  EXPECT_EQ(restarted.Get(kRuns, "s")->record.state(), SessionRecord::STATE_EXPIRED);
}

TEST_F(SaveSessionTest, AnAbortEndsTheStreamsThatRun) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SliceWriter> stream, sessions_.NewSliceWriter(kRuns, "s", "0", false));
  ASSERT_OK(Upload("s", "1", "w", 1));
  ASSERT_OK(sessions_.Abort(kRuns, "s", ""));
  SliceSpec slice{.key = "v", .dtype = "uint8", .shape = {1}, .box = {.start = {0}, .length = {1}}};
  const absl::string_view bytes = "x";
  absl::Status status = stream->Append(slice, 0, {&bytes, 1}, std::nullopt);
  if (status.ok()) status = stream->Finish();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
}

// --- Lists.

TEST_F(SaveSessionTest, SessionsAreListedByIdInPagesWithTheirWriters) {
  const std::vector<std::string> ids = {"a", "a-b", "a.b", "a0", "b", "c"};
  for (const std::string& id : ids) {
    ASSERT_OK(sessions_.Create(kRuns, Named(id)));
    ASSERT_OK(sessions_.Seal(kRuns, id, "w2", 0));
    ASSERT_OK(sessions_.Seal(kRuns, id, "w1", 0));
  }
  for (const int page_size : {1, 2, 3, 6, 100}) {
    std::set<std::string> found;
    std::string after;
    do {
      ASSERT_OK_AND_ASSIGN(const ListPage<SessionInfo> page, sessions_.List(kRuns, after, page_size));
      for (const SessionInfo& info : page.items) {
        EXPECT_TRUE(found.insert(info.record.session()).second);
        ASSERT_THAT(info.writers, SizeIs(2));
        EXPECT_EQ(info.writers[0].writer(), "w1");
      }
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(found, std::set<std::string>(ids.begin(), ids.end()));
  }
  EXPECT_THAT(sessions_.Get(kRuns, "nobody"), HasReason(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND));
}

}  // namespace
}  // namespace cairn::storage
