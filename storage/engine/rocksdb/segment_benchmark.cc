// How fast segments are written and read, beside a plain file written past the page cache: the
// bound is 0.8 of that. CAIRN_BENCHMARK_FOLDER names a folder on the disk to measure.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"

namespace cairn::storage {
namespace {

constexpr int kChunks = static_cast<int>(kMaxSegmentBytes / kMaxChunkBytes);

std::string Folder() {
  const char* const folder = std::getenv("CAIRN_BENCHMARK_FOLDER");
  return absl::StrCat(folder != nullptr ? folder : ".", "/segment_benchmark");
}

std::string RandomChunk() {
  SeededRandom random(1);
  std::string chunk(kMaxChunkBytes, '\0');
  for (char& byte : chunk) byte = static_cast<char>(random.Next());
  return chunk;
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Reports bytes and the CPU that all threads together spent on each.
class Measured {
 public:
  explicit Measured(benchmark::State* state) : state_(state), cpu_before_(CpuSeconds()) {}
  ~Measured() {
    const double bytes = static_cast<double>(state_->iterations()) * kMaxSegmentBytes;
    state_->SetBytesProcessed(static_cast<int64_t>(bytes));
    state_->counters["cpu_s_per_GB"] = (CpuSeconds() - cpu_before_) / (bytes / 1e9);
  }

 private:
  benchmark::State* const state_;
  const double cpu_before_;
};

class Store {
 public:
  Store() {
    std::filesystem::remove_all(Folder());
    auto engine = RocksDbEngine::Open(Folder());
    CAIRN_CHECK(engine.ok());
    engine_ = *std::move(engine);
  }
  ~Store() {
    engine_.reset();
    std::filesystem::remove_all(Folder());
  }

  Uid Write(absl::string_view chunk) {
    const Uid uid = random_.NextUid();
    const auto writer = engine_->segments()->NewWriter(uid, "header");
    CAIRN_CHECK(writer.ok());
    for (int i = 0; i < kChunks; ++i) CAIRN_CHECK((*writer)->Append(chunk).ok());
    CAIRN_CHECK((*writer)->Finish().ok());
    return uid;
  }

  SegmentStore* segments() { return engine_->segments(); }

 private:
  SeededRandom random_{1};
  std::unique_ptr<RocksDbEngine> engine_;
};

void BM_RawDirectWrite(benchmark::State& state) {
  const std::string chunk = RandomChunk();
  std::filesystem::create_directories(Folder());
  const std::string path = Folder() + "/raw";
  void* const buffer = std::aligned_alloc(4096, kMaxChunkBytes);
  {
    const Measured measured(&state);
    for (auto _ : state) {
      const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);
      CAIRN_CHECK(file >= 0);
      for (int i = 0; i < kChunks; ++i) {
        std::copy(chunk.begin(), chunk.end(), static_cast<char*>(buffer));
        CAIRN_CHECK(write(file, buffer, kMaxChunkBytes) == kMaxChunkBytes);
      }
      CAIRN_CHECK(fdatasync(file) == 0);
      close(file);
      state.PauseTiming();
      unlink(path.c_str());
      state.ResumeTiming();
    }
  }
  std::free(buffer);
  std::filesystem::remove_all(Folder());
}
BENCHMARK(BM_RawDirectWrite)->UseRealTime()->Iterations(8);

void BM_WriteSegment(benchmark::State& state) {
  const std::string chunk = RandomChunk();
  Store store;
  const Measured measured(&state);
  for (auto _ : state) {
    const Uid uid = store.Write(chunk);
    state.PauseTiming();
    CAIRN_CHECK(store.segments()->Remove({uid}).ok());
    state.ResumeTiming();
  }
}
BENCHMARK(BM_WriteSegment)->UseRealTime()->Iterations(8);

void ReadAll(Store* store, const Uid& uid, bool verify) {
  for (uint32_t i = 1; i <= kChunks; ++i) {
    const auto bytes = store->segments()->Read({uid, i, 0, kMaxChunkBytes}, verify);
    CAIRN_CHECK(bytes.ok());
    benchmark::DoNotOptimize(bytes->view().data());
  }
}

// Argument: verify.
void BM_ReadSegmentWarm(benchmark::State& state) {
  Store store;
  const Uid uid = store.Write(RandomChunk());
  ReadAll(&store, uid, true);
  const Measured measured(&state);
  for (auto _ : state) ReadAll(&store, uid, state.range(0) != 0);
}
BENCHMARK(BM_ReadSegmentWarm)->Arg(0)->Arg(1)->UseRealTime();

// Direct writes leave nothing in the page cache: the first reading is a cold one.
void BM_ReadSegmentCold(benchmark::State& state) {
  Store store;
  std::vector<Uid> uids;
  for (int i = 0; i < 8; ++i) uids.push_back(store.Write(RandomChunk()));
  const Measured measured(&state);
  size_t next = 0;
  for (auto _ : state) ReadAll(&store, uids[next++], false);
}
BENCHMARK(BM_ReadSegmentCold)->UseRealTime()->Iterations(8);

}  // namespace
}  // namespace cairn::storage
