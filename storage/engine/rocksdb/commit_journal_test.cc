#include "storage/engine/rocksdb/commit_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_matchers.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/data_folder.h"
#include "storage/engine/rocksdb/failing_file_system.h"
#include "storage/engine/rocksdb/journal_line.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/engine/test_folder.h"

namespace cairn::storage {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr auto kUnknown = ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN;
constexpr auto kReadOnly = ErrorReason::ERROR_REASON_STORE_READ_ONLY;

class CommitJournalTest : public testing::Test {
 protected:
  CommitJournalTest() { Open(); }
  ~CommitJournalTest() override { Close(); }

  void Open(int64_t journal_bytes = 4 << 20) {
    auto engine = RocksDbEngine::Open(folder_.path(),
                                      {.journal_bytes = journal_bytes, .env_for_test = env_.get()});
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
  }
  void Close() { engine_.reset(); }
  void Reopen() {
    Close();
    Open();
  }

  // As a commit: its noun is "runs/a@<sequence>".
  absl::Status Commit(int64_t sequence, const std::string& path = "runs/a") {
    Batch batch{.partition = PartitionOf(path)};
    batch.witness = Witness{.sequence = sequence, .noun = absl::StrCat(path, "@", sequence)};
    batch.Put("head", absl::StrCat(sequence)).Put(absl::StrCat("number/", sequence), "uid");
    return table().Write(batch).status();
  }

  Partition PartitionOf(const std::string& path) {
    auto [found, is_new] = directories_.try_emplace(path);
    if (is_new) found->second = random_.NextUid();
    return Partition::Directory(found->second);
  }

  Table& table() { return *engine_->table(); }
  std::string journal_path() const { return JournalPath(folder_.path()); }
  std::string ReadJournal() const {
    std::stringstream text;
    text << std::ifstream(journal_path(), std::ios::binary).rdbuf();
    return text.str();
  }
  void WriteJournal(const std::string& text) const {
    std::ofstream(journal_path(), std::ios::binary | std::ios::trunc) << text;
  }
  std::vector<std::string> Nouns() const {
    std::vector<std::string> nouns;
    const auto contents = ParseJournal(ReadJournal());
    EXPECT_OK(contents);
    if (!contents.ok()) return nouns;
    for (const JournalEntry& entry : contents->entries) nouns.push_back(entry.noun);
    return nouns;
  }

  // RocksDB's logs, the newest last. Requires: closed.
  std::vector<fs::path> Logs() const {
    std::vector<fs::path> logs;
    for (const auto& entry : fs::directory_iterator(DatabaseFolder(folder_.path()))) {
      if (entry.path().extension() == ".log") logs.push_back(entry.path());
    }
    std::sort(logs.begin(), logs.end());
    return logs;
  }
  fs::path Log() const { return Logs().back(); }

  // Makes RocksDB begin another log while the one before is still needed.
  void BeginAnotherLog() {
    const Partition manifest = Partition::Manifest(random_.NextUid());
    for (int row = 0; row < 300; ++row) {
      Batch batch{.partition = manifest, .durability = Durability::kBuffered};
      ASSERT_OK(table().Write(batch.Put(absl::StrCat(row), std::string(kMaxValueBytes, 'x'))));
    }
  }

  // The store says what it lacks, takes no writes, and reads.
  void ExpectLost(const std::string& nouns) {
    EXPECT_TRUE(engine_->read_only());
    for (const absl::Status& status :
         {engine_->health(), Commit(1000),
          engine_->segments()->NewWriter(random_.NextUid(), "h").status()}) {
      EXPECT_THAT(status, HasReason(kReadOnly));
      EXPECT_THAT(std::string(status.message()), HasSubstr("DATA_LOSS"));
      EXPECT_THAT(std::string(status.message()), HasSubstr(nouns));
      EXPECT_THAT(std::string(status.message()), HasSubstr(journal_path()));
    }
    EXPECT_OK(table().Get(PartitionOf("runs/a"), "head"));
  }

  const std::shared_ptr<FailingFileSystem> disk_ = std::make_shared<FailingFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(disk_);
  SeededRandom random_{1};
  std::map<std::string, Uid> directories_;
  const TestFolder folder_;
  std::unique_ptr<RocksDbEngine> engine_;
};

TEST_F(CommitJournalTest, ALineStandsInItWhenACommitReturns) {
  ASSERT_OK(Commit(1));
  EXPECT_THAT(Nouns(), ElementsAre("runs/a@1"));
  ASSERT_OK(Commit(2));
  ASSERT_OK(Commit(1, "runs/b"));
  EXPECT_THAT(Nouns(), ElementsAre("runs/a@1", "runs/a@2", "runs/b@1"));
  // Other batches leave none, nor do those that were not applied.
  ASSERT_OK(table().Write(Batch{.partition = PartitionOf("runs/a")}.Put("session/x", "1")));
  Batch refused{.partition = PartitionOf("runs/a")};
  refused.witness = Witness{.sequence = 3, .noun = "never"};
  ASSERT_OK(table().Write(refused.RequireAbsent("head").Put("head", "3")));
  EXPECT_THAT(Nouns(), SizeIs(3));
}

TEST_F(CommitJournalTest, AStartKeepsTheLastLineOfEachPartition) {
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Commit(i));
  ASSERT_OK(Commit(1, "runs/b"));
  Reopen();
  EXPECT_FALSE(engine_->read_only());
  EXPECT_THAT(Nouns(), testing::UnorderedElementsAre("runs/a@3", "runs/b@1"));
  ASSERT_OK(Commit(4));
  EXPECT_THAT(Nouns(), SizeIs(3));
  Reopen();
  EXPECT_OK(engine_->health());
}

TEST_F(CommitJournalTest, ALostLogIsDataLossThatNamesTheCheckpoints) {
  ASSERT_OK(Commit(1));
  Reopen();  // which takes what the log holds into table files
  ASSERT_OK(Commit(2));
  ASSERT_OK(Commit(3));
  ASSERT_OK(Commit(1, "runs/b"));
  Close();
  ASSERT_TRUE(fs::remove(Log()));
  Open();
  ExpectLost(
      "lacks 3 changes that the commit journal saw acknowledged: "
      "runs/a@2, runs/a@3, runs/b@1");
  EXPECT_THAT(table().Get(PartitionOf("runs/a"), "head"), IsOkAndHolds("1"));
  Reopen();  // it does not forget
  ExpectLost("runs/a@2, runs/a@3, runs/b@1");
}

TEST_F(CommitJournalTest, ALogThatWasCutShortIsDataLoss) {
  for (int i = 1; i <= 20; ++i) ASSERT_OK(Commit(i));
  Close();
  fs::resize_file(Log(), fs::file_size(Log()) - 100);
  Open();
  ExpectLost(": runs/a@20;");
  EXPECT_THAT(table().Get(PartitionOf("runs/a"), "head"), IsOkAndHolds("19"));
}

TEST_F(CommitJournalTest, AFlippedBitInTheLogIsDataLoss) {
  for (int i = 1; i <= 20; ++i) ASSERT_OK(Commit(i));
  Close();
  {
    std::fstream log(Log(), std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(Log()) / 2);
    log.seekg(middle);
    const char flipped = static_cast<char>(log.get() ^ 1);
    log.seekp(middle);
    log.put(flipped);
  }
  Open();
  ExpectLost("runs/a@20");
}

// The newer log holds the last line of the journal, so that only RocksDB itself can tell.
TEST_F(CommitJournalTest, AnOlderLogThatIsLostOrCutShortIsDataLoss) {
  ASSERT_OK(Commit(1));
  BeginAnotherLog();
  ASSERT_OK(Commit(2));
  Close();
  ASSERT_THAT(Logs(), SizeIs(2));
  const fs::path older = Logs().front();
  const fs::path whole = older.string() + ".whole";
  fs::rename(older, whole);
  EXPECT_THAT(RocksDbEngine::Open(folder_.path()), StatusIs(absl::StatusCode::kDataLoss));
  fs::copy_file(whole, older);
  fs::resize_file(older, fs::file_size(older) - 100);
  EXPECT_THAT(RocksDbEngine::Open(folder_.path()), StatusIs(absl::StatusCode::kDataLoss));
  fs::rename(whole, older);
  Open();
  EXPECT_OK(engine_->health());
}

TEST_F(CommitJournalTest, LossOfEverythingNamesTenAndCountsAll) {
  for (int i = 1; i <= 12; ++i) ASSERT_OK(Commit(i));
  Close();
  ASSERT_TRUE(fs::remove(Log()));
  Open();
  ExpectLost("lacks 12 changes");
  EXPECT_THAT(std::string(engine_->health().message()), HasSubstr("runs/a@10, ...;"));
}

TEST_F(CommitJournalTest, WithoutAJournalTheNextStartMakesOne) {
  ASSERT_OK(Commit(1));
  Reopen();
  ASSERT_OK(Commit(2));
  Close();
  ASSERT_TRUE(fs::remove(journal_path()));
  Open();
  EXPECT_OK(engine_->health());
  EXPECT_THAT(Nouns(), ElementsAre("runs/a@2"));
  EXPECT_OK(Commit(3));
}

TEST_F(CommitJournalTest, MovingTheJournalAwayAcceptsALoss) {
  ASSERT_OK(Commit(1));
  Close();
  ASSERT_TRUE(fs::remove(Log()));
  Open();
  ExpectLost("runs/a@1");
  Close();
  fs::rename(journal_path(), journal_path() + ".old");
  Open();
  EXPECT_OK(engine_->health());
  EXPECT_OK(Commit(1));
}

TEST_F(CommitJournalTest, ADatabaseThatIsAheadIsWellAndIsWitnessed) {
  ASSERT_OK(Commit(1));
  const std::string before = ReadJournal();
  ASSERT_OK(Commit(2));
  ASSERT_OK(Commit(1, "runs/b"));
  Close();
  WriteJournal(before);  // as if the lines had not been reached
  Open();
  EXPECT_OK(engine_->health());
  EXPECT_THAT(Nouns(), testing::UnorderedElementsAre("runs/a@2", "runs/b@1"));
}

TEST_F(CommitJournalTest, ATornLastLineIsToleratedAndABrokenChainIsNot) {
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Commit(i));
  Close();
  const std::string whole = ReadJournal();
  WriteJournal(whole.substr(0, whole.size() - 10));
  Open();
  EXPECT_OK(engine_->health());
  EXPECT_THAT(Nouns(), ElementsAre("runs/a@3"));

  for (int i = 4; i <= 6; ++i) ASSERT_OK(Commit(i));
  Close();
  WriteJournal(absl::StrReplaceAll(ReadJournal(), {{"runs/a@5", "runs/a@7"}}));
  Open();
  ExpectLost("the commit journal is damaged at byte ");
}

TEST_F(CommitJournalTest, AnotherBatchInThePlaceOfOneIsDataLoss) {
  ASSERT_OK(Commit(1));
  JournalChain chain(random_.NextUid());
  Batch other{.partition = PartitionOf("runs/a")};
  other.witness = Witness{.sequence = 1, .noun = "runs/a@1"};
  WriteJournal(absl::StrCat(chain.first_line(), chain.Next(0, EntryOf(other.Put("a", "b")))));
  Reopen();
  ExpectLost("lacks 1 change that");
}

TEST_F(CommitJournalTest, AnErasedPartitionIsNoLoss) {
  ASSERT_OK(Commit(1));
  ASSERT_OK(Commit(1, "runs/b"));
  ASSERT_OK(table().ErasePartition(PartitionOf("runs/a")));
  Reopen();
  EXPECT_OK(engine_->health());
  EXPECT_THAT(Nouns(), ElementsAre("runs/b@1"));
  Reopen();
  EXPECT_OK(engine_->health());
  // Its erasure may be lost, which is no loss either.
  ASSERT_OK(Commit(1, "runs/c"));
  Reopen();
  ASSERT_OK(table().ErasePartition(PartitionOf("runs/c")));
  Close();
  ASSERT_TRUE(fs::remove(Log()));
  Open();
  EXPECT_OK(engine_->health());
  EXPECT_THAT(table().Get(PartitionOf("runs/c"), "head"), IsOkAndHolds("1"));
}

TEST_F(CommitJournalTest, ItDoesNotGrowForEver) {
  Close();
  constexpr int64_t kLimit = 2000;
  Open(kLimit);
  ASSERT_OK(Commit(1, "runs/quiet"));
  for (int i = 1; i <= 100; ++i) {
    ASSERT_OK(Commit(i));
    ASSERT_LT(fs::file_size(journal_path()), kLimit + 200);
  }
  EXPECT_THAT(Nouns(), testing::IsSupersetOf({"runs/quiet@1", "runs/a@100"}));
  Reopen();
  EXPECT_OK(engine_->health());
  // Whatever is left over is not taken for a journal.
  EXPECT_THAT(std::vector<fs::path>(fs::directory_iterator(folder_.path()), {}), SizeIs(3));
}

TEST_F(CommitJournalTest, AFailedLineEndsWritingAndIsUnknown) {
  for (std::atomic<bool>* fault : {&disk_->journal_syncs_fail, &disk_->journal_appends_fail}) {
    ASSERT_OK(Commit(1, "runs/b"));
    *fault = true;
    EXPECT_THAT(Commit(1), HasReason(kUnknown));
    *fault = false;
    EXPECT_THAT(engine_->health(), HasReason(kReadOnly));
    EXPECT_THAT(std::string(engine_->health().message()), HasSubstr("commit journal failed"));
    EXPECT_THAT(Commit(2), HasReason(kReadOnly));
    EXPECT_THAT(table().Get(PartitionOf("runs/a"), "head"), IsOkAndHolds("1"));
    Reopen();
    EXPECT_OK(engine_->health());
    EXPECT_THAT(Nouns(), testing::UnorderedElementsAre("runs/a@1", "runs/b@1"));
  }
}

TEST_F(CommitJournalTest, ConcurrentCommitsAreAllWitnessedInTheOrderOfTheirPartitions) {
  constexpr int kThreads = 8, kCommits = 20;
  Close();
  Open(/*journal_bytes=*/10000);
  for (int thread = 0; thread < kThreads; ++thread) PartitionOf(absl::StrCat(thread));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 1; i <= kCommits; ++i) EXPECT_OK(Commit(i, absl::StrCat(thread)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, int64_t> last;
  ASSERT_OK_AND_ASSIGN(const JournalContents contents, ParseJournal(ReadJournal()));
  for (const JournalEntry& entry : contents.entries) {
    const std::string path = entry.noun.substr(0, 1);
    // A line may come again after the rows of a new file, never an older one.
    EXPECT_GE(entry.sequence, last[path]);
    last[path] = entry.sequence;
  }
  EXPECT_THAT(last, SizeIs(kThreads));
  for (const auto& [path, sequence] : last) EXPECT_EQ(sequence, kCommits);
  Reopen();
  EXPECT_OK(engine_->health());
}

}  // namespace
}  // namespace cairn::storage
