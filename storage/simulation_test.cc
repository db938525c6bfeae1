// Sessions, streams, commits, deletions, restores, the collector, restarts and time in random
// order, on engines in memory, compared with ModelStore. To repeat a failure or to run more:
//
//   bazel test //storage:simulation_test --test_arg=--seed=7
//   bazel test //storage:simulation_test --test_arg=--seeds=1000 --test_arg=--steps=1000
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status_matchers.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/model_store.h"
#include "storage/store_driver.h"

namespace cairn::storage {
namespace {

using enum ErrorReason;

int64_t first_seed = 1;
int64_t seeds = 40;
int64_t steps = 300;

// How often each step ended how, over all seeds.
std::map<std::string, int64_t> outcomes;

constexpr size_t kMaxHeld = 3;  // streams and restores, each
constexpr size_t kTraceLines = 40;

// A save as its trainers see it.
struct Trainers {
  std::string path;
  SessionOptions options;
  Content content;
  std::set<int> sent;
  std::set<int> sealed;
  bool gone = false;  // with its directory

  const std::string& session() const { return options.session; }
  int writers() const { return options.expected_writers; }
  bool complete() const {
    return sent.size() == static_cast<size_t>(writers()) && sealed.size() == sent.size();
  }
};

// A stream that took everything and was not finished.
struct HeldStream {
  std::unique_ptr<SliceWriter> stream;
  std::shared_ptr<Trainers> save;
  int writer = 0;
};

struct HeldRestore {
  RestoreInfo info;
  Content content;
  absl::Time ends;
  bool lost = false;  // by a restart
};

struct Deletion {
  std::string path;
  std::string number;
  std::string request;
  std::string uid;
};

class Simulation {
 public:
  explicit Simulation(int64_t seed) : random_(seed), uids_(seed ^ 0x5eed) { Open(); }

  void Run(int64_t count) {
    for (int64_t i = 0; i < count && Good(); ++i) Step();
    if (Good()) End();
  }

  std::string Trace() const {
    const size_t from = trace_.size() > kTraceLines ? trace_.size() - kTraceLines : 0;
    return absl::StrJoin(trace_.begin() + from, trace_.end(), "\n");
  }

 private:
  static bool Good() { return !testing::Test::HasFailure(); }

  // --- Choices.

  int64_t Below(int64_t bound) { return static_cast<int64_t>(random_.Next() % bound); }
  bool Chance(int percent) { return Below(100) < percent; }
  // Mostly one that a checkpoint of the directory has.
  int64_t AnyNumber(const std::string& path) {
    const SeenDirectory directory = model_.Visible()[path];
    if (directory.empty() || Chance(30)) return Below(9);
    return directory[Below(static_cast<int64_t>(directory.size()))].number;
  }
  std::string AnyPath() { return absl::StrCat("runs/", Below(3)); }
  // Mostly a recent one, so that saves come to their ends.
  std::shared_ptr<Trainers> AnySave() {
    if (saves_.empty()) return nullptr;
    const auto count = static_cast<int64_t>(saves_.size());
    return saves_[count - 1 - Below(Chance(85) ? std::min<int64_t>(count, 3) : count)];
  }

  Content AnyContent() {
    constexpr size_t kLarge = 100 << 10;  // of which any share is too large for a row
    Content content;
    const auto add = [&](const std::string& key, size_t size) {
      std::string bytes(size, '\0');
      for (size_t i = 0; i < size; i += 97) bytes[i] = static_cast<char>(random_.Next());
      content[key] = std::move(bytes);
    };
    add("small", 3 + Below(100));
    if (Chance(40)) add("large", kLarge + Below(1000));
    return content;
  }

  // --- What is expected.

  void Note(absl::string_view text) { trace_.push_back(std::string(text)); }

  void Expect(const absl::Status& status, ErrorReason expected) {
    const std::string outcome = status.ok() ? "OK" : cairn::v1::ErrorReason_Name(ReasonOf(status));
    const absl::string_view step = trace_.back();
    ++outcomes[absl::StrCat(step.substr(0, step.find(' ')), " -> ", outcome)];
    absl::StrAppend(&trace_.back(), " -> ", outcome);
    if (expected == ModelStore::kOk) {
      EXPECT_OK(status);
    } else {
      EXPECT_THAT(status, HasReason(expected));
    }
  }

  void Open() {
    auto store =
        Store::Open({.table = &table_, .segments = &segments_, .clock = &clock_, .random = &uids_});
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  // --- Steps.

  void Step() {
    const int64_t choice = Below(100);
    if (choice < 30) return DoWhatIsMissing();
    if (choice < 38) return Create();
    if (choice < 44) return SendOrHold(AnySave(), std::nullopt);
    if (choice < 48) return FinishHeld();
    if (choice < 51) return Seal(AnySave(), std::nullopt);
    if (choice < 55) return Commit(AnySave());
    if (choice < 58) return Abort();
    if (choice < 60) return Renew();
    if (choice < 66) return DeleteCheckpoint();
    if (choice < 67) return DeleteDirectory();
    if (choice < 78) return OpenRestore();
    if (choice < 88) return ReadRestore();
    if (choice < 92) return Collect();
    if (choice < 97) return Pass();
    if (choice < 98) return Restart();
    LookAtAll();
  }

  void Create() {
    std::shared_ptr<Trainers> save = AnySave();
    if (save == nullptr || !Chance(15)) {  // else a repeat, which joins
      save = std::make_shared<Trainers>();
      save->path = AnyPath();
      save->options.session = absl::StrCat("s", ++created_);
      save->options.expected_writers = static_cast<int>(1 + Below(2));
      if (Chance(50)) save->options.number = Below(5);
      save->options.replace = save->options.number && Chance(50);
      save->content = AnyContent();
      saves_.push_back(save);
    }
    Note(absl::StrCat("create ", save->path, " ", save->session(), " number ",
                      save->options.number.value_or(-1), " replace ", save->options.replace));
    const ErrorReason expected = model_.Create(save->path, save->session(), save->options.number,
                                               save->options.replace, clock_.Now());
    const auto info = store_->CreateSession(save->path, save->options);
    Expect(info.status(), expected);
    if (info.ok()) {
      EXPECT_EQ(info->record.number(), model_.NumberOf(save->path, save->session()));
    }
  }

  // The next call of a save whose trainers do what they should.
  void DoWhatIsMissing() {
    const std::shared_ptr<Trainers> save = AnySave();
    if (save == nullptr) return;
    for (int writer = 0; writer < save->writers(); ++writer) {
      if (!save->sent.contains(writer)) return SendOrHold(save, writer);
      if (!save->sealed.contains(writer)) return Seal(save, writer);
    }
    Commit(save);
  }

  void SendOrHold(const std::shared_ptr<Trainers>& save, std::optional<int> given) {
    if (save == nullptr) return;
    const int writer = given.value_or(Below(save->writers()));
    const std::vector<SliceToSend> share = ShareOf(save->content, writer, save->writers());
    const bool hold = Chance(20);
    Note(absl::StrCat(hold ? "hold " : "send ", save->path, " ", save->session(), " ", writer));
    const ErrorReason expected = model_.Send(save->path, save->session(), clock_.Now());
    const std::string name = absl::StrCat(writer);
    if (!hold) {
      Expect(Send(store_.get(), save->path, save->session(), name, share), expected);
      if (expected == ModelStore::kOk) save->sent.insert(writer);
      return;
    }
    auto stream = Begin(store_.get(), save->path, save->session(), name, share);
    Expect(stream.status(), expected);
    if (!stream.ok()) return;
    if (streams_.size() == kMaxHeld) streams_.erase(streams_.begin());  // as if it broke
    streams_.push_back({*std::move(stream), save, writer});
  }

  void FinishHeld() {
    if (streams_.empty()) return;
    const HeldStream held = std::move(streams_.back());
    streams_.pop_back();
    const Trainers& save = *held.save;
    Note(absl::StrCat("finish ", save.path, " ", save.session(), " ", held.writer));
    const absl::Status status = held.stream->Finish();
    if (!save.gone && model_.Send(save.path, save.session(), clock_.Now()) == ModelStore::kOk) {
      Expect(status, ModelStore::kOk);
      held.save->sent.insert(held.writer);
    } else {
      // What goes into a save that is no more is never seen, whatever the stream hears.
      trace_.back() += status.ok() ? " -> OK" : " -> closed";
      EXPECT_NE(status.code(), absl::StatusCode::kInternal);
    }
  }

  void Seal(const std::shared_ptr<Trainers>& save, std::optional<int> given) {
    if (save == nullptr) return;
    const int writer = given.value_or(Below(save->writers()));
    Note(absl::StrCat("seal ", save->path, " ", save->session(), " ", writer));
    const ErrorReason expected = model_.Seal(save->path, save->session(), clock_.Now());
    Expect(store_
               ->SealSession(save->path, save->session(), absl::StrCat(writer),
                             static_cast<int64_t>(save->content.size()))
               .status(),
           expected);
    if (expected == ModelStore::kOk) save->sealed.insert(writer);
  }

  void Commit(const std::shared_ptr<Trainers>& save) {
    if (save == nullptr) return;
    Note(absl::StrCat("commit ", save->path, " ", save->session(),
                      save->complete() ? "" : " (not complete)"));
    const ErrorReason expected =
        model_.Commit(save->path, save->session(), save->content, save->complete(), clock_.Now());
    const auto committed = store_->CommitSession(save->path, save->session());
    if (expected == ERROR_REASON_WRITERS_NOT_SEALED) {
      const ErrorReason reason = ReasonOf(committed.status());
      EXPECT_TRUE(reason == ERROR_REASON_WRITERS_NOT_SEALED ||
                  reason == ERROR_REASON_SLICE_COUNT_MISMATCH ||
                  reason == ERROR_REASON_SLICES_MISSING)
          << committed.status();
      return;
    }
    Expect(committed.status(), expected);
    if (committed.ok()) {
      EXPECT_EQ(committed->number(), model_.NumberOf(save->path, save->session()));
    }
  }

  void Abort() {
    const std::shared_ptr<Trainers> save = AnySave();
    if (save == nullptr) return;
    Note(absl::StrCat("abort ", save->path, " ", save->session()));
    const ErrorReason expected = model_.Abort(save->path, save->session(), clock_.Now());
    Expect(store_->AbortSession(save->path, save->session(), "").status(), expected);
  }

  void Renew() {
    const std::shared_ptr<Trainers> save = AnySave();
    if (save == nullptr) return;
    Note(absl::StrCat("renew ", save->path, " ", save->session()));
    const ErrorReason expected = model_.Send(save->path, save->session(), clock_.Now());
    Expect(store_->RenewSession(save->path, save->session()).status(), expected);
  }

  void DeleteCheckpoint() {
    if (last_deletion_ && Chance(20)) {  // its answer was lost
      Note(absl::StrCat("delete again ", last_deletion_->path, "@", last_deletion_->number));
      const auto again = store_->DeleteCheckpoint(last_deletion_->path, last_deletion_->number,
                                                  last_deletion_->request);
      Expect(again.status(), ModelStore::kOk);
      EXPECT_TRUE(again.ok() && again->uid() == last_deletion_->uid);
      return;
    }
    const std::string path = AnyPath();
    const int64_t number = AnyNumber(path);
    const Deletion deletion{.path = path,
                            .number = absl::StrCat(number),
                            .request = absl::StrCat("r", ++created_),
                            .uid = ""};
    Note(absl::StrCat("delete ", path, "@", number));
    const ErrorReason expected = model_.DeleteCheckpoint(deletion.path, number);
    const auto deleted = store_->DeleteCheckpoint(deletion.path, deletion.number, deletion.request);
    Expect(deleted.status(), expected);
    if (!deleted.ok()) return;
    last_deletion_ = deletion;
    last_deletion_->uid = deleted->uid();
  }

  void DeleteDirectory() {
    const std::string path = AnyPath();
    const bool force = Chance(50);
    EndOverdueSessions(path);
    Note(absl::StrCat("delete directory ", path, force ? " by force" : ""));
    const ErrorReason expected = model_.DeleteDirectory(path, force, clock_.Now());
    Expect(store_->DeleteDirectory(path, force, std::nullopt, ""), expected);
    if (expected == ModelStore::kOk) Forget(path);
  }

  // The directory is gone. Its trainers may come again, with the same names, into another one.
  void Forget(const std::string& path) {
    last_deletion_.reset();
    for (std::shared_ptr<Trainers>& save : saves_) {
      if (save->path != path) continue;
      save->gone = true;
      save = std::make_shared<Trainers>(Trainers{.path = save->path,
                                                 .options = save->options,
                                                 .content = save->content,
                                                 .sent = {},
                                                 .sealed = {}});
    }
  }

  void OpenRestore() {
    const std::string path = AnyPath();
    const Seen visible = model_.Visible();
    const auto directory = visible.find(path);
    const std::string reference = Chance(50) ? "latest" : absl::StrCat(AnyNumber(path));
    Note(absl::StrCat("restore ", path, "@", reference));
    auto info = store_->OpenRestore(path, reference, {}, static_cast<int>(1 + Below(3)));
    if (directory == visible.end()) {
      return Expect(info.status(), ERROR_REASON_DIRECTORY_NOT_FOUND);
    }
    const auto found = std::find_if(
        directory->second.rbegin(), directory->second.rend(), [&](const SeenCheckpoint& item) {
          return reference == "latest" || reference == absl::StrCat(item.number);
        });
    if (found == directory->second.rend()) {
      return Expect(info.status(), ERROR_REASON_CHECKPOINT_NOT_FOUND);
    }
    Expect(info.status(), ModelStore::kOk);
    if (!info.ok()) return;
    if (restores_.size() == kMaxHeld) restores_.erase(restores_.begin());  // a client that is gone
    restores_.push_back({*std::move(info), found->content, clock_.Now() + kRestoreLease});
  }

  void ReadRestore() {
    if (restores_.empty()) return;
    const auto held = restores_.begin() + Below(static_cast<int64_t>(restores_.size()));
    const bool over = held->lost || held->ends <= clock_.Now();
    Note(absl::StrCat("read restore of ", held->info.checkpoint.number(), over ? " (over)" : ""));
    const absl::StatusOr<Content> content = ReadAll(store_.get(), held->info);
    Expect(content.status(), over ? ERROR_REASON_RESTORE_LOST : ModelStore::kOk);
    EXPECT_TRUE(over || (content.ok() && *content == held->content));
    held->ends = clock_.Now() + kRestoreLease;
    if (!over && Chance(40)) return;
    EXPECT_OK(store_->CloseRestore(held->info.restore));
    restores_.erase(held);
  }

  void Collect() {
    Note("collect");
    Expect(store_->Collect(CollectScope::kGarbage).status(), ModelStore::kOk);
  }

  void Pass() {
    absl::Duration time = absl::Seconds(1 + Below(120));
    if (Chance(40)) time = absl::Minutes(1 + Below(15));
    if (Chance(5)) time = absl::Hours(2 + Below(30));
    Note(absl::StrCat("wait ", absl::FormatDuration(time)));
    clock_.Advance(time);
    if (time < absl::Hours(1)) return;
    saves_.clear();  // ended, and some may be forgotten
    last_deletion_.reset();
  }

  void Restart() {
    for (const auto& [path, directory] : model_.Visible()) EndOverdueSessions(path);
    Note("restart");
    streams_.clear();
    for (HeldRestore& restore : restores_) restore.lost = true;
    store_.reset();
    Open();
    model_.Restart(clock_.Now());
  }

  // A session whose lease is over ends when somebody looks at it.
  void EndOverdueSessions(const std::string& path) {
    std::string after;
    do {
      const auto page = store_->ListSessions(path, after, kMaxPageSize);
      if (absl::IsNotFound(page.status())) return;
      ASSERT_OK(page);
      after = page->next;
    } while (!after.empty());
  }

  void LookAtAll() {
    Note("look");
    ASSERT_OK_AND_ASSIGN(const Seen seen, Look(store_.get()));
    EXPECT_TRUE(seen == model_.Visible())
        << "seen:     " << ToString(seen) << "\nexpected: " << ToString(model_.Visible());
  }

  // When all leases are over, the collector leaves what the checkpoints need.
  void End() {
    LookAtAll();
    streams_.clear();
    restores_.clear();
    clock_.Advance(kEndedKept + absl::Hours(2));
    Collect();
    LookAtAll();
    EXPECT_EQ(Leftovers(model_.Visible(), &table_, &segments_), "");
  }

  SeededRandom random_;
  SeededRandom uids_;
  FakeClock clock_;
  MemoryTable table_;
  MemorySegmentStore segments_;
  std::unique_ptr<Store> store_;
  ModelStore model_;
  int64_t created_ = 0;
  std::vector<std::shared_ptr<Trainers>> saves_;
  std::vector<HeldStream> streams_;
  std::vector<HeldRestore> restores_;
  std::optional<Deletion> last_deletion_;
  std::vector<std::string> trace_;
};

TEST(SimulationTest, AStoreDoesWhatItsModelDoes) {
  for (int64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    Simulation simulation(seed);
    simulation.Run(steps);
    ASSERT_FALSE(HasFailure())
        << "with seed " << seed << ", after\n"
        << simulation.Trace()
        << "\nrepeat: bazel test //storage:simulation_test --test_arg=--seed=" << seed
        << " --test_arg=--steps=" << steps;
  }
  for (const auto& [outcome, count] : outcomes) std::cout << outcome << ": " << count << "\n";
  // Else it would show little.
  if (seeds < 10 || steps < 100) return;
  for (const char* outcome :
       {"create -> OK", "create -> ERROR_REASON_NUMBER_TAKEN", "finish -> OK", "commit -> OK",
        "commit -> ERROR_REASON_SESSION_CLOSED", "delete -> OK", "read -> OK",
        "read -> ERROR_REASON_RESTORE_LOST", "collect -> OK"}) {
    EXPECT_GE(outcomes[outcome], seeds / 2) << outcome;
  }
}

// Sets `value` if the argument is "--<name>=<number>".
bool ParseArgument(absl::string_view argument, absl::string_view name, int64_t* value) {
  return absl::ConsumePrefix(&argument, absl::StrCat("--", name, "=")) &&
         absl::SimpleAtoi(argument, value);
}

bool ParseArguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (ParseArgument(argv[i], "seed", &first_seed)) {
      seeds = 1;
    } else if (!ParseArgument(argv[i], "seeds", &seeds) &&
               !ParseArgument(argv[i], "steps", &steps)) {
      std::cerr << "unknown argument " << argv[i] << "; there are --seed, --seeds and --steps\n";
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace cairn::storage

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!cairn::storage::ParseArguments(argc, argv)) return 2;
  return RUN_ALL_TESTS();
}
