// What the commit journal adds to a synced batch: another fsync. CAIRN_BENCHMARK_FOLDER names a
// folder on the disk to measure.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"

namespace cairn::storage {
namespace {

std::string Folder() {
  const char* const folder = std::getenv("CAIRN_BENCHMARK_FOLDER");
  return absl::StrCat(folder != nullptr ? folder : ".", "/journal_benchmark");
}

std::unique_ptr<RocksDbEngine> engine;

// A batch of the size of a commit's, in a directory of each thread's own. Argument: witnessed.
void BM_Commit(benchmark::State& state) {
  if (state.thread_index() == 0) {
    std::filesystem::remove_all(Folder());
    engine = *RocksDbEngine::Open(Folder());
  }
  const Partition partition = Partition::Directory(Random::System()->NextUid());
  int64_t sequence = 0;
  for (auto _ : state) {
    Batch batch{.partition = partition};
    if (state.range(0) != 0) batch.witness = Witness{.sequence = ++sequence, .noun = "runs/a@12"};
    for (int row = 0; row < 6; ++row) batch.Put(absl::StrCat(row), std::string(200, 'x'));
    CAIRN_CHECK(engine->table()->Write(batch).ok());
  }
  if (state.thread_index() == 0) {
    engine.reset();
    std::filesystem::remove_all(Folder());
  }
}
BENCHMARK(BM_Commit)->ArgName("witness")->Arg(0)->Arg(1)->UseRealTime()->Threads(1)->Threads(8);

}  // namespace
}  // namespace cairn::storage
