// What the collector frees is free on the disk: RocksDB's engine, with manifests that share
// segments.
#include <memory>
#include <string>
#include <vector>

#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/engine/test_folder.h"
#include "storage/sharing_fixture.h"

namespace cairn::storage {
namespace {

constexpr char kRuns[] = "runs/a";
constexpr char kOther[] = "runs/b";
constexpr int kTensors = 24;

// The parts of a store on an engine of their own.
class World {
 public:
  explicit World(const std::string& folder) : engine_(Open(folder)) {}

  StoreOptions options() {
    return {.table = engine_->table(), .segments = engine_->segments(), .clock = &clock_};
  }

 private:
  static std::unique_ptr<RocksDbEngine> Open(const std::string& folder) {
    auto engine = RocksDbEngine::Open(folder);
    EXPECT_OK(engine);
    return *std::move(engine);
  }

  const std::unique_ptr<RocksDbEngine> engine_;
  FakeClock clock_;

 public:
  DirectoryLocks locks;
  Catalog catalog{options()};
  Checkpoints checkpoints{options(), &catalog, &locks};
  SaveSessions sessions{options(), &catalog, &locks};
  Restores restores{options().table, options().segments, &clock_, Random::System()};
  Collector collector{options(), &catalog, &sessions, &restores};
  SharedSaves saves{options(), &catalog, &sessions, &restores};
};

std::vector<std::string> Keys(int count, int first = 0) {
  std::vector<std::string> keys;
  for (int i = first; i < first + count; ++i) keys.push_back(absl::StrCat("t", i / 10, i % 10));
  return keys;
}

struct Kept {
  CheckpointRecord checkpoint;
  TensorBytes tensors;
};

// The bytes of the chunks that the checkpoints reach, each once.
int64_t NeededBytes(World* world, const std::vector<Kept>& kept) {
  std::map<Uid, ChunkSet> chunks;
  for (const Kept& one : kept) {
    for (const auto& [segment, use] : world->saves.UsesOf(UidOf(one.checkpoint))) {
      chunks[segment].Add(ChunkSet(use.chunks()));
    }
  }
  int64_t count = 0;
  for (const auto& [segment, set] : chunks) count += set.count();
  return count * kTensorBytes;
}

// Full saves, incremental saves on them and copies of these; the full ones, and of the others every
// second, are deleted. Returns what stays.
std::vector<Kept> SaveAndDeleteHalf(World* world) {
  constexpr int kRounds = 6;
  std::vector<Kept> kept;
  const auto keep = [&](const CheckpointRecord& checkpoint) {
    absl::StatusOr<TensorBytes> tensors = world->saves.Restore(checkpoint);
    EXPECT_OK(tensors);
    kept.push_back({checkpoint, *std::move(tensors)});
  };
  const auto remove = [&](absl::string_view path, const CheckpointRecord& checkpoint) {
    EXPECT_OK(world->checkpoints.Delete(path, absl::StrCat(checkpoint.number()), ""));
  };
  for (int i = 0; i < kRounds; ++i) {
    const int reused = kTensors * i / kRounds;  // from nothing to most
    const CheckpointRecord full = world->saves.Save(kRuns, Keys(kTensors));
    const CheckpointRecord next =
        world->saves.SaveIncrementally(kRuns, full, Keys(reused), Keys(kTensors - reused, reused));
    const CheckpointRecord copy = world->saves.Copy(next, kOther, Keys(kTensors));
    remove(kRuns, full);
    if (i % 2 == 0) {
      keep(next);
      remove(kOther, copy);
    } else {
      keep(copy);
      remove(kRuns, next);
    }
  }
  return kept;
}

TEST(CollectorDiskTest, AfterDeletingHalfTheDiskHoldsWhatTheRestNeeds) {
  const TestFolder folder;
  std::vector<Kept> kept;
  {
    World world(folder.path());
    ASSERT_OK(world.catalog.Create("first", {}));  // the log is allocated in advance
    const int64_t empty = folder.DiskBytes();
    kept = SaveAndDeleteHalf(&world);
    const int64_t needed = NeededBytes(&world, kept);
    const int64_t before = folder.DiskBytes() - empty;
    EXPECT_GT(before, needed * 3 / 2);
    ASSERT_OK_AND_ASSIGN(const CollectResult result, world.collector.Run());
    const int64_t after = folder.DiskBytes() - empty;
    constexpr int64_t kRows = 1 << 20;  // and logs
    EXPECT_LE(after, needed + needed / 10 + kRows);
    EXPECT_GT(result.segments, 0);
    EXPECT_GT(result.shrunk_segments, 0);
    EXPECT_NEAR(static_cast<double>(result.freed_bytes), static_cast<double>(before - after),
                kRows);
    for (const Kept& one : kept) {
      EXPECT_THAT(world.saves.Restore(one.checkpoint), IsOkAndHolds(one.tensors));
    }
  }
  World reopened(folder.path());
  for (const Kept& one : kept) {
    EXPECT_THAT(reopened.saves.Restore(one.checkpoint), IsOkAndHolds(one.tensors));
  }
  ASSERT_OK_AND_ASSIGN(const CollectResult again,
                       reopened.collector.Run(CollectScope::kEverything));
  EXPECT_EQ(again.freed_bytes, 0);
}

TEST(CollectorDiskTest, ASessionAndItsDeletedBaseOutliveARestart) {
  const TestFolder folder;
  TensorBytes expected;
  {
    World world(folder.path());
    const CheckpointRecord base = world.saves.Save(kRuns, Keys(kTensors));
    ASSERT_OK_AND_ASSIGN(expected, world.saves.Restore(base));
    const Uid manifest = world.saves.Open(kRuns, "open", UidOf(base));
    world.saves.Reuse(UidOf(base), manifest, Keys(kTensors / 2));
    ASSERT_OK(world.checkpoints.Delete(kRuns, "1", ""));
    EXPECT_OK(world.collector.Run());
  }
  World world(folder.path());
  EXPECT_OK(world.collector.Run(CollectScope::kEverything));
  ASSERT_OK_AND_ASSIGN(const SessionInfo session, world.sessions.Get(kRuns, "open"));
  const Uid base = *Uid::FromBytes(session.record.base_uid());
  world.saves.Reuse(base, *Uid::FromBytes(session.record.manifest_uid()), Keys(kTensors));
  ASSERT_OK_AND_ASSIGN(const CheckpointRecord next, world.saves.Commit(kRuns, "open", kTensors));
  ASSERT_OK_AND_ASSIGN(const CollectResult result, world.collector.Run());
  EXPECT_EQ(result.manifests, 1);
  EXPECT_EQ(result.freed_bytes, 0);
  EXPECT_THAT(world.saves.Restore(next), IsOkAndHolds(expected));
}

}  // namespace
}  // namespace cairn::storage
