#include "storage/save_session.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SaveSessionTest : public StorageTest {
 protected:
  SessionRecord::State StateOf(absl::string_view session) {
    return sessions_.Get(kRuns, session)->record.state();
  }
};

// --- Sealing and committing.

TEST_F(SaveSessionTest, NothingIsVisibleBeforeTheCommitAndAllAfter) {
  SessionOptions options = Named("s");
  options.annotations = {{"a", "b"}};
  options.metrics = {{"loss", 0.5}};
  options.key_separator = ".";
  options.preserved = true;
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_THAT(checkpoints_.Get(kRuns, ""),
              HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
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
  EXPECT_TRUE(found.preserved());
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
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("2 of 3 writers sealed, among them a, b")));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              HasReason(ErrorReason::ERROR_REASON_WRITERS_NOT_SEALED));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "c", 0));
  EXPECT_OK(sessions_.Commit(kRuns, "s"));
}

TEST_F(SaveSessionTest, SealedCountsAreThoseOfTheStoredSlices) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 2));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              HasReason(ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  ASSERT_OK(Upload("s", "stranger", "v", 10));
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("stranger")));
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
  const auto listed = checkpoints_.List(kRuns, CheckpointOrder::kCommit, "", 1000);
  ASSERT_OK(listed);
  for (const CheckpointRecord& item : listed->items) {
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
  for (std::string& uid : uids)
    threads.emplace_back([&] { uid = sessions_.Commit(kRuns, "s")->uid(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(uids, ::testing::Each(checkpoints_.Get(kRuns, "")->uid()));
  EXPECT_EQ(catalog_.Find(kRuns)->head.record.change_sequence(), 1);
}

TEST_F(SaveSessionTest, NobodyWritesSlicesDuringACommit) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  absl::Status upload;
  bool tried = false;
  faults_.SetHook([&](Operation operation) {
    if (operation != Operation::kScan || std::exchange(tried, true)) return;
    upload = Upload("s", "0", "late", 10);
  });
  ASSERT_OK(sessions_.Commit(kRuns, "s"));
  faults_.SetHook(nullptr);
  EXPECT_THAT(upload, HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
  EXPECT_EQ(checkpoints_.Get(kRuns, "")->tensor_count(), 1);
}

// --- Ends.

TEST_F(SaveSessionTest, AnAbortIsIdempotentAndLeavesGarbage) {
  ASSERT_OK_AND_ASSIGN(const SessionInfo opened, sessions_.Create(kRuns, Named("s")));
  ASSERT_OK_AND_ASSIGN(const SessionInfo aborted, sessions_.Abort(kRuns, "s", "out of memory"));
  EXPECT_EQ(aborted.record.state(), SessionRecord::STATE_ABORTED);
  EXPECT_EQ(sessions_.Abort(kRuns, "s", "other")->record.abort_reason(), "out of memory");
  EXPECT_THAT(sessions_.Commit(kRuns, "s"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                     HasSubstr("aborted (out of memory)")));
  const Partition partition = catalog_.Find(kRuns)->partition();
  EXPECT_THAT(RowKeys(partition, kPromisePrefix), IsEmpty());
  EXPECT_THAT(RowKeys(partition, kGarbagePrefix),
              ElementsAre(GarbageKey(*Uid::FromBytes(opened.record.manifest_uid()))));
}

TEST_F(SaveSessionTest, AnAbortEndsTheStreamsThatRun) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SliceWriter> stream,
                       sessions_.NewSliceWriter(kRuns, "s", "0", false));
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
      ASSERT_OK_AND_ASSIGN(const ListPage<SessionInfo> page,
                           sessions_.List(kRuns, after, page_size));
      for (const SessionInfo& info : page.items) {
        EXPECT_TRUE(found.insert(info.record.session()).second);
        ASSERT_THAT(info.writers, SizeIs(2));
        EXPECT_EQ(info.writers[0].writer(), "w1");
      }
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(found, std::set<std::string>(ids.begin(), ids.end()));
  }
  EXPECT_THAT(sessions_.Get(kRuns, "nobody"),
              HasReason(ErrorReason::ERROR_REASON_SESSION_NOT_FOUND));
}

}  // namespace
}  // namespace cairn::storage
