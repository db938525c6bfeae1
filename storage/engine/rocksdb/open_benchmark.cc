// How long a store with many segments takes to open when few files may be open. The first argument
// is how many segments (default 20000), the second a folder on the disk to measure; what is there
// already counts, and stays when the folder is given.
//
//   bazel run -c opt //storage/engine/rocksdb:open_benchmark -- 20000 /data/open_benchmark
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"

namespace cairn::storage {
namespace {

constexpr int kOpenFiles = 1024;
constexpr int kThreads = 8;
constexpr int kOpenings = 5;

void LimitOpenFiles() {
  const rlimit limit{.rlim_cur = kOpenFiles, .rlim_max = kOpenFiles};
  CAIRN_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

// Opens, and prints how long it took.
std::unique_ptr<RocksDbEngine> Open(const std::string& folder) {
  const absl::Time start = Clock::System()->Now();
  absl::StatusOr<std::unique_ptr<RocksDbEngine>> engine = RocksDbEngine::Open(folder);
  std::cout << "opened in " << Clock::System()->Now() - start << std::endl;
  if (!engine.ok()) std::cerr << engine.status() << std::endl;
  CAIRN_CHECK(engine.ok());
  return *std::move(engine);
}

int64_t CountSegments(RocksDbEngine* engine) {
  int64_t count = 0;
  CAIRN_CHECK(engine->segments()->Walk([&](const SegmentInfo&) { return ++count, true; }).ok());
  return count;
}

void AddSegments(RocksDbEngine* engine, int64_t count) {
  std::atomic<int64_t> left = count;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (left.fetch_sub(1) > 0) {
        const auto writer =
            engine->segments()->NewWriter(Random::System()->NextUid(), std::string(64, 'h'));
        CAIRN_CHECK(writer.ok());
        CAIRN_CHECK((*writer)->Append("a small chunk").ok());
        CAIRN_CHECK((*writer)->Finish().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void Measure(int64_t count, const std::string& folder) {
  LimitOpenFiles();
  std::unique_ptr<RocksDbEngine> engine = Open(folder);
  const int64_t there = CountSegments(engine.get());
  const absl::Time start = Clock::System()->Now();
  AddSegments(engine.get(), count - there);
  std::cout << there << " segments were there, " << count - there << " more made in "
            << Clock::System()->Now() - start << std::endl;
  for (int i = 0; i < kOpenings; ++i) {
    engine.reset();
    engine = Open(folder);
  }
  const absl::Time walk = Clock::System()->Now();
  std::cout << "walked " << CountSegments(engine.get()) << " segments in "
            << Clock::System()->Now() - walk << std::endl;
}

int Main(int argc, char** argv) {
  int64_t count = 20000;
  if (argc > 1 && !absl::SimpleAtoi(argv[1], &count)) return 2;
  const bool stays = argc > 2;
  const std::string folder = stays ? argv[2] : "open_benchmark";
  Measure(count, folder);
  if (!stays) std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace cairn::storage

int main(int argc, char** argv) { return cairn::storage::Main(argc, argv); }
