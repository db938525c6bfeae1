// A script of saves, commits, replacements, deletions and collections runs once for every operation
// that it asks of the engines, with that one failing: every failure is an error to the caller or
// was met by a retry inside, and never a lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "storage/engine/faulty/faulty_engine.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"
#include "storage/model_store.h"
#include "storage/store_driver.h"

namespace cairn::storage {
namespace {

constexpr char kA[] = "runs/a";
constexpr char kB[] = "runs/b";
constexpr size_t kSmall = 10;
constexpr size_t kLarge = 66 << 10;  // half of it is too large to stand in its row

struct World {
  MemoryTable memory_table;
  MemorySegmentStore memory_segments;
  FaultPlan faults;
  FaultyTable table{&memory_table, &faults};
  FaultySegmentStore segments{&memory_segments, &faults};
  FakeClock clock;
  SeededRandom random{3};

  absl::StatusOr<std::unique_ptr<Store>> OpenFaulty() {
    return Store::Open(
        {.table = &table, .segments = &segments, .clock = &clock, .random = &random});
  }
  // As after a restart on a disk that has been mended.
  absl::StatusOr<std::unique_ptr<Store>> Reopen() {
    return Store::Open(
        {.table = &memory_table, .segments = &memory_segments, .clock = &clock, .random = &random});
  }
};

// What may be true, given what the calls answered so far.
using Models = std::vector<ModelStore>;

struct Step {
  std::string name;
  std::function<absl::Status(World*, Store*)> run;
  // What it does to the model; kOk if it can be done there.
  std::function<ErrorReason(World*, ModelStore*)> done;
  // Where it may have stopped half-way, if anywhere.
  std::function<void(ModelStore*)> half_done = nullptr;
  // It is a reading of everything.
  bool looks = false;
};

Step Looking() {
  return {.name = "look", .run = nullptr, .done = nullptr, .half_done = nullptr, .looks = true};
}

Step Passing(absl::Duration time) {
  return {.name = "wait",
          .run =
              [=](World* world, Store*) {
                world->clock.Advance(time);
                return absl::OkStatus();
              },
          .done = [](World*, ModelStore*) { return ModelStore::kOk; }};
}

Step Collecting() {
  return {
      .name = "collect",
      .run = [](World*, Store* store) { return store->Collect(CollectScope::kGarbage).status(); },
      .done = [](World*, ModelStore*) { return ModelStore::kOk; }};
}

Step DeletingCheckpoint(const std::string& path, int64_t number) {
  return {.name = absl::StrCat("delete ", path, "@", number),
          .run =
              [=](World*, Store* store) {
                const std::string request = absl::StrCat("request ", number);
                return store->DeleteCheckpoint(path, absl::StrCat(number), request).status();
              },
          .done = [=](World*, ModelStore* model) { return model->DeleteCheckpoint(path, number); }};
}

Step DeletingDirectory(const std::string& path) {
  return {.name = absl::StrCat("delete ", path),
          .run =
              [=](World*, Store* store) {
                return store->DeleteDirectory(path, /*force=*/true, std::nullopt, "request");
              },
          .done =
              [=](World* world, ModelStore* model) {
                return model->DeleteDirectory(path, true, world->clock.Now());
              }};
}

// A save, to be put together from its steps.
struct Save {
  std::string path;
  std::string session;
  std::shared_ptr<const Content> content;
  int writers = 1;
  std::optional<int64_t> number = std::nullopt;
  bool replace = false;

  Step Creating() const {
    SessionOptions options;
    options.session = session;
    options.number = number;
    options.replace = replace;
    options.expected_writers = writers;
    return {.name = absl::StrCat("create ", session),
            .run = [options, save = *this](
                       World*,
                       Store* store) { return store->CreateSession(save.path, options).status(); },
            .done =
                [save = *this](World* world, ModelStore* model) {
                  return model->Create(save.path, save.session, save.number, save.replace,
                                       world->clock.Now());
                },
            .half_done = [save = *this](ModelStore* model) { model->MakeDirectory(save.path); }};
  }
  Step Sending(int writer) const {
    return {.name = absl::StrCat("send ", session, " ", writer),
            .run =
                [=, save = *this](World*, Store* store) {
                  return Send(store, save.path, save.session, absl::StrCat(writer),
                              ShareOf(*save.content, writer, save.writers));
                },
            .done =
                [save = *this](World* world, ModelStore* model) {
                  return model->Send(save.path, save.session, world->clock.Now());
                }};
  }
  Step Sealing(int writer) const {
    return {.name = absl::StrCat("seal ", session, " ", writer),
            .run =
                [=, save = *this](World*, Store* store) {
                  return store
                      ->SealSession(save.path, save.session, absl::StrCat(writer),
                                    static_cast<int64_t>(save.content->size()))
                      .status();
                },
            .done =
                [save = *this](World* world, ModelStore* model) {
                  return model->Seal(save.path, save.session, world->clock.Now());
                }};
  }
  Step Committing() const {
    return {.name = absl::StrCat("commit ", session),
            .run =
                [save = *this](World*, Store* store) {
                  return store->CommitSession(save.path, save.session).status();
                },
            .done =
                [save = *this](World* world, ModelStore* model) {
                  return model->Commit(save.path, save.session, *save.content, /*complete=*/true,
                                       world->clock.Now());
                }};
  }
  Step Aborting() const {
    return {
        .name = absl::StrCat("abort ", session),
        .run =
            [save = *this](World*, Store* store) {
              return store->AbortSession(save.path, save.session, "as the script has it").status();
            },
        .done =
            [save = *this](World* world, ModelStore* model) {
              return model->Abort(save.path, save.session, world->clock.Now());
            }};
  }
  std::vector<Step> Whole() const {
    std::vector<Step> steps = {Creating()};
    for (int writer = 0; writer < writers; ++writer) {
      steps.push_back(Sending(writer));
      steps.push_back(Sealing(writer));
    }
    steps.push_back(Committing());
    return steps;
  }
};

std::vector<Step> Script() {
  std::vector<Step> script;
  const auto add = [&](std::vector<Step> steps) {
    script.insert(script.end(), steps.begin(), steps.end());
  };
  const auto of = [](Content content) {
    return std::make_shared<const Content>(std::move(content));
  };
  const auto bytes = [](size_t size, char fill) { return std::string(size, fill); };
  add(Save{.path = kA, .session = "small", .content = of({{"w", bytes(kSmall, 'a')}})}.Whole());
  add(Save{.path = kA,
           .session = "two",
           .content = of({{"b", bytes(kSmall, 'b')}, {"w", bytes(kLarge, 'c')}}),
           .writers = 2}
          .Whole());
  add({Looking()});
  add(Save{.path = kA,
           .session = "replacing",
           .content = of({{"w", bytes(kLarge, 'd')}}),
           .number = 1,
           .replace = true}
          .Whole());
  const Save aborted{.path = kA, .session = "aborted", .content = of({{"w", bytes(kLarge, 'e')}})};
  add({aborted.Creating(), aborted.Sending(0), aborted.Aborting()});
  const Save left{.path = kA, .session = "left", .content = of({{"w", bytes(kLarge, 'f')}})};
  add({left.Creating(), left.Sending(0), left.Sealing(0)});
  add(Save{.path = kB, .session = "other", .content = of({{"w", bytes(kLarge, 'g')}})}.Whole());
  add({DeletingCheckpoint(kA, 2), Collecting(), DeletingDirectory(kB)});
  add(Save{.path = kA, .session = "last", .content = of({{"w", bytes(kSmall, 'h')}})}.Whole());
  add(Save{.path = kB, .session = "again", .content = of({{"w", bytes(kSmall, 'i')}})}.Whole());
  add({DeletingCheckpoint(kA, 1), Passing(absl::Hours(2)), Collecting(), Looking()});
  return script;
}

// What may be true after a step that failed.
Models AfterFailure(World* world, const Step& step, const Models& models) {
  Models after = models;
  for (const ModelStore& model : models) {
    ModelStore done = model;
    if (step.done(world, &done) == ModelStore::kOk) after.push_back(done);
    if (step.half_done == nullptr) continue;
    after.push_back(model);
    step.half_done(&after.back());
  }
  return after;
}

Models AfterSuccess(World* world, const Step& step, const Models& models) {
  Models after;
  for (ModelStore model : models) {
    if (step.done(world, &model) == ModelStore::kOk) after.push_back(model);
  }
  EXPECT_FALSE(after.empty()) << step.name << " succeeded where it cannot";
  return after;
}

// Those of the models that look like what was seen.
Models ThatLookLike(const Seen& seen, const Models& models) {
  Models fitting;
  for (const ModelStore& model : models) {
    if (model.Visible() == seen) fitting.push_back(model);
  }
  EXPECT_FALSE(fitting.empty()) << "seen: " << ToString(seen)
                                << "\nmay be: " << ToString(models.back().Visible());
  return fitting;
}

constexpr int kMaxAttempts = 100;  // of a client that repeats; many failures may meet it

enum class Client {
  kGivesUp,  // goes on with the next step after an error
  kRepeats,  // the call, with the same ids, until it says OK
};

struct Execution {
  explicit Execution(Client client) : client(client) {}

  World world;
  const Client client;
  Models models = {ModelStore()};
  std::unique_ptr<Store> store;
  bool failed = false;

  absl::Status Attempt(const Step& step) {
    if (!step.looks) return step.run(&world, store.get());
    const absl::StatusOr<Seen> seen = Look(store.get());
    if (seen.ok()) models = ThatLookLike(*seen, models);
    return seen.status();
  }

  void Do(const Step& step) {
    SCOPED_TRACE(step.name);
    absl::Status status;
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      status = Attempt(step);
      if (status.ok()) break;
      // A reason of the contract in place of the failure would be a lie; only what follows from a
      // call that was given up may have one.
      const bool follows = std::exchange(failed, true) && client == Client::kGivesUp;
      EXPECT_TRUE(follows || absl::IsUnavailable(status) || absl::IsAborted(status)) << status;
      if (client == Client::kGivesUp) break;
    }
    EXPECT_TRUE(client == Client::kGivesUp || status.ok()) << status;
    if (step.looks) return;
    models = status.ok() ? AfterSuccess(&world, step, models) : AfterFailure(&world, step, models);
  }

  // What a restart finds is what may be true, byte by byte; and then, when all leases are over,
  // the collector leaves what that needs.
  void Check() {
    absl::StatusOr<std::unique_ptr<Store>> reopened = world.Reopen();
    ASSERT_OK(reopened);
    ASSERT_OK_AND_ASSIGN(const Seen seen, Look(reopened->get()));
    models = ThatLookLike(seen, models);
    world.clock.Advance(kEndedKept + absl::Hours(1));
    ASSERT_OK((*reopened)->Collect(CollectScope::kEverything));
    EXPECT_THAT(Look(reopened->get()), IsOkAndHolds(seen));
    EXPECT_EQ(Leftovers(seen, &world.memory_table, &world.memory_segments), "");
  }
};

void RunScript(Execution* run) {
  static const std::vector<Step> script = Script();
  for (const Step& step : script) run->Do(step);
}

// False when the script ended before the operation.
bool RunWithFault(Client client, Operation operation, int64_t nth, std::optional<Fault> fault) {
  SCOPED_TRACE(absl::StrCat("operation ", static_cast<int>(operation), " number ", nth, " fault ",
                            fault ? static_cast<int>(*fault) : -1, " client ",
                            static_cast<int>(client)));
  Execution run(client);
  absl::StatusOr<std::unique_ptr<Store>> store = run.world.OpenFaulty();
  EXPECT_OK(store);
  run.store = *std::move(store);
  if (fault) run.world.faults.FailNth(operation, nth, *fault);
  const int64_t before = run.world.faults.count(operation);
  RunScript(&run);
  const bool reached = run.world.faults.count(operation) - before >= nth;
  run.Check();
  if (!fault) {
    EXPECT_FALSE(run.failed);
    EXPECT_EQ(run.models.size(), 1u);
  }
  return reached;
}

class FaultSweepTest : public testing::TestWithParam<std::pair<const char*, Operation>> {
 protected:
  const Operation operation_ = GetParam().second;

  // Only these change anything, so that what happened is open when the answer is lost.
  bool has_outcome() const {
    return operation_ == Operation::kWrite || operation_ == Operation::kFinish;
  }

  // Runs the script for the first, second, ... of the operations, until there is none. What fails
  // without an outcome is met by one client only.
  int64_t Sweep(Fault fault, std::vector<Client> clients) {
    int64_t runs = 0;
    int64_t nth = 0;
    for (bool reached = true; reached && !HasFailure();) {
      ++nth;
      for (size_t i = 0; i < clients.size(); ++i) {
        if (!has_outcome() && static_cast<size_t>(nth) % clients.size() != i) continue;
        reached = RunWithFault(clients[i], operation_, nth, fault);
        runs += reached;
      }
    }
    std::cout << GetParam().first << ": " << nth - 1 << " operations in the script, " << runs
              << " runs with a fault" << std::endl;
    return runs;
  }
};

TEST_P(FaultSweepTest, EveryFailureIsAnErrorOrTheTruth) {
  const std::vector<Client> clients = {Client::kGivesUp, Client::kRepeats};
  for (const Client client : clients) RunWithFault(client, operation_, 0, std::nullopt);
  std::vector<Fault> faults = {Fault::kFail};
  if (has_outcome()) faults.insert(faults.end(), {Fault::kUnknownApplied, Fault::kUnknownDropped});
  for (const Fault fault : faults) EXPECT_GT(Sweep(fault, clients), 0) << "nothing was injected";
}

// Lets so many of 1000 operations of a kind fail, up to far beyond the script's end.
void FailSome(FaultPlan* faults, Random* random, Operation operation, uint64_t permille,
              const std::vector<Fault>& kinds) {
  constexpr int64_t kOperations = 5000;
  for (int64_t nth = 1; nth <= kOperations; ++nth) {
    if (random->Next() % 1000 >= permille) continue;
    faults->FailNth(operation, nth, kinds[random->Next() % kinds.size()]);
  }
}

TEST(FaultStormTest, WhoeverRepeatsHasWhatWasAskedForAndNothingTwice) {
  constexpr uint64_t kSeeds = 30;
  const std::vector<Fault> any = {Fault::kFail, Fault::kUnknownApplied, Fault::kUnknownDropped};
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SeededRandom random(seed);
    Execution run(Client::kRepeats);
    ASSERT_OK_AND_ASSIGN(run.store, run.world.OpenFaulty());
    FaultPlan* const faults = &run.world.faults;
    FailSome(faults, &random, Operation::kWrite, 300, any);
    FailSome(faults, &random, Operation::kFinish, 300, any);
    FailSome(faults, &random, Operation::kRemove, 300, {Fault::kFail});
    FailSome(faults, &random, Operation::kGet, 3, {Fault::kFail});
    FailSome(faults, &random, Operation::kScan, 3, {Fault::kFail});
    RunScript(&run);
    EXPECT_TRUE(run.failed);
    EXPECT_EQ(run.models.size(), 1u);
    run.Check();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Operations, FaultSweepTest,
    testing::Values(std::pair("Get", Operation::kGet), std::pair("Scan", Operation::kScan),
                    std::pair("List", Operation::kList), std::pair("Write", Operation::kWrite),
                    std::pair("NewWriter", Operation::kNewWriter),
                    std::pair("Append", Operation::kAppend),
                    std::pair("Finish", Operation::kFinish), std::pair("Read", Operation::kRead),
                    std::pair("Remove", Operation::kRemove), std::pair("Walk", Operation::kWalk)),
    [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace cairn::storage
