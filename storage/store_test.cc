#include "storage/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "storage/engine/faulty/faulty_engine.h"
#include "storage/engine/memory/memory_segment_store.h"
#include "storage/engine/memory/memory_table.h"

namespace cairn::storage {
namespace {

constexpr char kRuns[] = "runs/a";
constexpr int64_t kElements = 40 << 10;  // too large to stand in its row

// A store on engines in memory that fail when told to.
struct World {
  MemoryTable memory_table;
  MemorySegmentStore memory_segments;
  FaultPlan faults;
  FaultyTable table{&memory_table, &faults};
  FaultySegmentStore segments{&memory_segments, &faults};
  FakeClock clock;
  SeededRandom random{3};
  std::unique_ptr<Store> store;

  absl::Status Open() {
    CAIRN_ASSIGN_OR_RETURN(
        store,
        Store::Open({.table = &table, .segments = &segments, .clock = &clock, .random = &random}));
    return absl::OkStatus();
  }
};

absl::Status Upload(Store* store, const std::string& session) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                         store->NewSliceWriter(kRuns, session, "0"));
  const SliceSpec slice{.key = "w",
                        .dtype = "uint8",
                        .shape = {kElements},
                        .box = {.start = {0}, .length = {kElements}}};
  const std::string bytes(kElements, 'x');
  const absl::string_view view = bytes;
  CAIRN_RETURN_IF_ERROR(stream->Append(slice, 0, {&view, 1}, std::nullopt));
  return stream->Finish();
}

absl::Status Save(Store* store, const std::string& session) {
  SessionOptions options;
  options.session = session;
  CAIRN_RETURN_IF_ERROR(store->CreateSession(kRuns, options).status());
  CAIRN_RETURN_IF_ERROR(Upload(store, session));
  CAIRN_RETURN_IF_ERROR(store->SealSession(kRuns, session, "0", 1).status());
  return store->CommitSession(kRuns, session).status();
}

// Restores a checkpoint; the number of bytes that came.
absl::StatusOr<int64_t> RestoredBytes(Store* store, const std::string& reference) {
  CAIRN_ASSIGN_OR_RETURN(const RestoreInfo info, store->OpenRestore(kRuns, reference, {}, 1));
  int64_t total = 0;
  for (const std::string& token : info.stream_tokens) {
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceReader> reader, store->NewSliceReader(token));
    while (true) {
      CAIRN_ASSIGN_OR_RETURN(const std::vector<OutgoingPart> parts, reader->Next(kPieceBytes));
      if (parts.empty()) break;
      for (const OutgoingPart& part : parts)
        total += static_cast<int64_t>(part.bytes.view().size());
    }
  }
  CAIRN_RETURN_IF_ERROR(store->CloseRestore(info.restore));
  return total;
}

TEST(StoreTest, KeepsItsNameOverRestarts) {
  World world;
  ASSERT_OK(world.Open());
  const std::string incarnation = world.store->incarnation();
  EXPECT_TRUE(Uid::FromHex(incarnation).has_value());
  ASSERT_OK(world.Open());
  EXPECT_EQ(world.store->incarnation(), incarnation);
}

TEST(StoreTest, WhatIsSavedIsRestored) {
  World world;
  ASSERT_OK(world.Open());
  ASSERT_OK(Save(world.store.get(), "s"));
  EXPECT_THAT(RestoredBytes(world.store.get(), ""), IsOkAndHolds(kElements));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord checkpoint, world.store->GetCheckpoint(kRuns, "1"));
  ASSERT_OK_AND_ASSIGN(const TensorInfo tensor,
                       world.store->GetTensor(checkpoint, TensorKind::kTensor, "w"));
  EXPECT_EQ(tensor.logical_bytes, kElements);
}

TEST(StoreTest, ARestoreFollowsANameThatMovesOn) {
  World world;
  ASSERT_OK(world.Open());
  ASSERT_OK(Save(world.store.get(), "s1"));
  ASSERT_OK(Save(world.store.get(), "s2"));
  // Deletes the latest when its rows are read for the restore, that is before the lease is taken.
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord latest, world.store->GetCheckpoint(kRuns, ""));
  bool deleted = false;
  world.faults.SetHook([&](Operation operation) {
    if (operation != Operation::kScan || std::exchange(deleted, true)) return;
    EXPECT_OK(world.store->DeleteCheckpoint(kRuns, "2", ""));
    EXPECT_OK(world.store->Collect());
  });
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, world.store->OpenRestore(kRuns, "latest", {}, 1));
  world.faults.SetHook(nullptr);
  EXPECT_TRUE(deleted);
  EXPECT_EQ(info.checkpoint.number(), 1);
}

// --- Faults at every operation: each call is an error or the truth.

// A step of the script and what holds after it said OK.
struct Step {
  std::function<absl::Status(Store*)> run;
  std::function<void(Store*)> expect;
};

std::vector<Step> Script() {
  SessionOptions session;
  session.session = "s";
  const auto committed = [](Store* store) {
    EXPECT_OK(store->GetCheckpoint(kRuns, "2"));
    EXPECT_EQ(store->GetCheckpoint(kRuns, "")->number(), 2);
    EXPECT_THAT(RestoredBytes(store, "2"), IsOkAndHolds(kElements));
  };
  return {
      {.run = [=](Store* store) { return store->CreateSession(kRuns, session).status(); },
       .expect =
           [](Store* store) { EXPECT_EQ(store->GetSession(kRuns, "s")->record.number(), 2); }},
      {.run = [](Store* store) { return Upload(store, "s"); }, .expect = [](Store*) {}},
      {.run = [](Store* store) { return store->SealSession(kRuns, "s", "0", 1).status(); },
       .expect = [](Store* store) { EXPECT_EQ(store->GetSession(kRuns, "s")->writers.size(), 1); }},
      {.run = [](Store* store) { return store->CommitSession(kRuns, "s").status(); },
       .expect = committed},
      {.run = [](Store* store) { return store->DeleteCheckpoint(kRuns, "2", "r").status(); },
       .expect =
           [](Store* store) {
             EXPECT_THAT(store->GetCheckpoint(kRuns, "2"),
                         HasReason(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND));
             EXPECT_EQ(store->GetCheckpoint(kRuns, "")->number(), 1);
           }},
      {.run = [](Store* store) { return store->Collect().status(); },
       .expect =
           [](Store* store) { EXPECT_THAT(RestoredBytes(store, "1"), IsOkAndHolds(kElements)); }},
  };
}

// Runs the script with one fault; every step is repeated until it says OK, as a client does. False
// when the fault lay past the end.
bool RunScript(Operation operation, int64_t nth, Fault fault) {
  SCOPED_TRACE(absl::StrCat("operation ", static_cast<int>(operation), " number ", nth, " fault ",
                            static_cast<int>(fault)));
  World world;
  EXPECT_OK(world.Open());
  EXPECT_OK(Save(world.store.get(), "first"));
  const int64_t before = world.faults.count(operation);
  world.faults.FailNth(operation, nth, fault);
  int64_t during = 0;
  for (const Step& step : Script()) {
    constexpr int kRepeats = 3;
    absl::Status status = absl::UnknownError("");
    for (int repeat = 0; repeat < kRepeats && !status.ok(); ++repeat)
      status = step.run(world.store.get());
    EXPECT_OK(status);
    during = world.faults.count(operation) - before;
    const bool pending = during < nth;
    if (pending) continue;  // looking would use the fault up
    step.expect(world.store.get());
  }
  const bool reached = during >= nth;
  world.faults.Clear();
  EXPECT_OK(world.store->Collect());
  EXPECT_THAT(RestoredBytes(world.store.get(), ""), IsOkAndHolds(kElements));
  size_t segments = 0;
  EXPECT_OK(world.memory_segments.Walk([&](const SegmentInfo&) { return ++segments, true; }));
  EXPECT_EQ(segments, 1);
  EXPECT_EQ(world.memory_table.ListPartitions(Partition::Table::kSlices, "", 100)->size(), 1);
  return reached;
}

class FaultTest : public ::testing::TestWithParam<Operation> {};

TEST_P(FaultTest, EveryCallIsAnErrorOrTheTruth) {
  for (const Fault fault : {Fault::kFail, Fault::kUnknownApplied, Fault::kUnknownDropped}) {
    const bool has_outcome = GetParam() == Operation::kWrite || GetParam() == Operation::kFinish;
    if (fault != Fault::kFail && !has_outcome) continue;
    int64_t nth = 1;
    while (RunScript(GetParam(), nth, fault) && !HasFailure()) ++nth;
    EXPECT_GT(nth, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, FaultTest,
                         ::testing::Values(Operation::kGet, Operation::kScan, Operation::kList,
                                           Operation::kWrite, Operation::kNewWriter,
                                           Operation::kAppend, Operation::kFinish,
                                           Operation::kRemove, Operation::kWalk));

}  // namespace
}  // namespace cairn::storage
