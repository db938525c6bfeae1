// Kills a process that commits and stores segments, at random moments, and opens what it leaves:
// every acknowledged batch is there, and neither RocksDB nor the commit journal raises an alarm
// that is false. To run more: bazel test //storage/engine/rocksdb:crash_test
// --test_arg=--cycles=100
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_matchers.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/engine/test_folder.h"

extern char** environ;

namespace cairn::storage {
namespace {

int64_t cycles = 8;

constexpr int kCommitters = 4;
constexpr int64_t kMinAcknowledged = 3;  // else a cycle shows nothing
constexpr absl::string_view kChild = "--child=";

Partition PartitionOf(int committer) {
  return Partition::Directory(SeededRandom(committer + 1).NextUid());
}

std::string NumberKey(int64_t sequence) { return absl::StrCat("number/", sequence); }

int64_t LastSequence(RocksDbEngine* engine, int committer) {
  const auto head = engine->table()->Get(PartitionOf(committer), "head");
  int64_t sequence = 0;
  CAIRN_CHECK(head.ok() && (!*head || absl::SimpleAtoi(**head, &sequence)));
  return sequence;
}

// --- The process that is killed.

// Commits, and tells the parent of every answer.
void CommitForEver(RocksDbEngine* engine, int committer) {
  for (int64_t sequence = LastSequence(engine, committer) + 1;; ++sequence) {
    Batch batch{.partition = PartitionOf(committer)};
    batch.Put("head", absl::StrCat(sequence)).Put(NumberKey(sequence), "uid");
    batch.witness = Witness{.sequence = sequence, .noun = absl::StrCat(committer, "@", sequence)};
    CAIRN_CHECK(engine->table()->Write(batch).ok());
    const std::string line = absl::StrCat(committer, " ", sequence, "\n");
    CAIRN_CHECK(write(STDOUT_FILENO, line.data(), line.size()) ==
                static_cast<ssize_t>(line.size()));
  }
}

// Enough rows that RocksDB writes memtables out and begins new logs all the time.
void WriteRowsForEver(RocksDbEngine* engine) {
  constexpr int kRows = 64;
  const Partition manifest = Partition::Manifest(SeededRandom(100).NextUid());
  for (int row = 0;; row = (row + 1) % kRows) {
    Batch batch{.partition = manifest, .durability = Durability::kBuffered};
    CAIRN_CHECK(engine->table()
                    ->Write(batch.Put(absl::StrCat(row), std::string(kMaxValueBytes, 'x')))
                    .ok());
    Clock::System()->Sleep(absl::Microseconds(300));
  }
}

void StoreSegmentsForEver(RocksDbEngine* engine) {
  while (true) {
    const auto writer = engine->segments()->NewWriter(Random::System()->NextUid(), "header");
    CAIRN_CHECK(writer.ok());
    CAIRN_CHECK((*writer)->Append("chunk").ok() && (*writer)->Finish().ok());
  }
}

int RunChild(const std::string& folder) {
  const auto engine = RocksDbEngine::Open(folder);
  CAIRN_CHECK(engine.ok());
  std::vector<std::thread> threads;
  for (int committer = 0; committer < kCommitters; ++committer) {
    threads.emplace_back(CommitForEver, engine->get(), committer);
  }
  threads.emplace_back(StoreSegmentsForEver, engine->get());
  WriteRowsForEver(engine->get());
  return 1;
}

// --- The process that kills it.

using Acknowledged = std::array<int64_t, kCommitters>;  // the last sequence of each

// A child, whose answers can be read.
class Child {
 public:
  explicit Child(const std::string& folder) {
    std::array<int, 2> ends;
    CAIRN_CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string self = "/proc/self/exe";
    std::string argument = absl::StrCat(kChild, folder);
    char* const argv[] = {self.data(), argument.data(), nullptr};
    CAIRN_CHECK(posix_spawn(&pid_, self.c_str(), &actions, nullptr, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    answers_ = fdopen(ends[0], "r");
    CAIRN_CHECK(answers_ != nullptr);
  }
  ~Child() { fclose(answers_); }

  // The next answer; false at the end.
  bool Next(Acknowledged* acknowledged) {
    int committer = 0;
    long long sequence = 0;
    if (fscanf(answers_, "%d %lld\n", &committer, &sequence) != 2) return false;
    acknowledged->at(committer) = sequence;
    return true;
  }

  void Kill() {
    CAIRN_CHECK(kill(pid_, SIGKILL) == 0);
    int status = 0;
    CAIRN_CHECK(waitpid(pid_, &status, 0) == pid_);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  }

 private:
  pid_t pid_ = 0;
  FILE* answers_ = nullptr;
};

// Leaves in `acknowledged` what was found: the next child goes on from there.
void CheckAcknowledged(const std::string& folder, Acknowledged* acknowledged) {
  const auto engine = RocksDbEngine::Open(folder);
  ASSERT_OK(engine);
  EXPECT_OK((*engine)->health());
  for (int committer = 0; committer < kCommitters; ++committer) {
    const int64_t last = LastSequence(engine->get(), committer);
    EXPECT_GE(last, acknowledged->at(committer));
    EXPECT_LE(last, acknowledged->at(committer) + 1);
    acknowledged->at(committer) = last;
    for (int64_t sequence = 1; sequence <= last; ++sequence) {
      EXPECT_THAT((*engine)->table()->Get(PartitionOf(committer), NumberKey(sequence)),
                  IsOkAndHolds("uid"));
    }
  }
}

TEST(CrashTest, EveryAcknowledgedBatchOutlivesTheProcess) {
  const uint64_t seed = Random::System()->Next();
  std::cout << "seed " << seed << std::endl;
  SeededRandom random(seed);
  const TestFolder folder;
  Acknowledged acknowledged = {};
  for (int64_t cycle = 0; cycle < cycles && !HasFailure(); ++cycle) {
    Child child(folder.path());
    const auto answers = static_cast<int64_t>(kMinAcknowledged + random.Next() % 1000);
    int64_t heard = 0;
    while (heard < answers && child.Next(&acknowledged)) ++heard;
    child.Kill();
    EXPECT_EQ(heard, answers);
    while (child.Next(&acknowledged)) ++heard;  // what was answered before the end
    CheckAcknowledged(folder.path(), &acknowledged);
  }
}

}  // namespace
}  // namespace cairn::storage

int main(int argc, char** argv) {
  absl::string_view argument = argc > 1 ? argv[argc - 1] : "";
  if (absl::ConsumePrefix(&argument, cairn::storage::kChild)) {
    return cairn::storage::RunChild(std::string(argument));
  }
  testing::InitGoogleTest(&argc, argv);
  argument = argc > 1 ? argv[argc - 1] : "";
  if (absl::ConsumePrefix(&argument, "--cycles=")) {
    if (!absl::SimpleAtoi(argument, &cairn::storage::cycles)) return 2;
  }
  return RUN_ALL_TESTS();
}
