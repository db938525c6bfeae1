#include "storage/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

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
    EXPECT_OK(world.store->Collect(CollectScope::kGarbage));
  });
  ASSERT_OK_AND_ASSIGN(const RestoreInfo info, world.store->OpenRestore(kRuns, "latest", {}, 1));
  world.faults.SetHook(nullptr);
  EXPECT_TRUE(deleted);
  EXPECT_EQ(info.checkpoint.number(), 1);
}

}  // namespace
}  // namespace cairn::storage
