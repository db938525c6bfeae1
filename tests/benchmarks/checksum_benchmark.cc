// Guards the pair that every uploaded byte goes through: crc32c, then XXH3-128 of the same chunk.
// ISA-L leaves AVX-512 state dirty, which makes XXH3 right after it several times slower unless
// base/crc32c.cc clears it; the pair must cost about the sum of its parts.
//
//   bazel run -c opt //tests/benchmarks:checksum_benchmark

#include <benchmark/benchmark.h>
#include <xxhash.h>

#include <string>

#include "base/crc32c.h"

namespace cairn::benchmarks {
namespace {

constexpr int64_t kChunkBytes = 1 << 20;

const std::string& Chunk() {
  static const std::string* chunk = new std::string(kChunkBytes, 'c');
  return *chunk;
}

void BM_Crc32c(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(Chunk()));
  state.SetBytesProcessed(state.iterations() * kChunkBytes);
}
BENCHMARK(BM_Crc32c);

void BM_Xxh3(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(XXH3_128bits(Chunk().data(), Chunk().size()));
  state.SetBytesProcessed(state.iterations() * kChunkBytes);
}
BENCHMARK(BM_Xxh3);

void BM_Crc32cThenXxh3(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Crc32c(Chunk()));
    benchmark::DoNotOptimize(XXH3_128bits(Chunk().data(), Chunk().size()));
  }
  state.SetBytesProcessed(state.iterations() * kChunkBytes);
}
BENCHMARK(BM_Crc32cThenXxh3);

}  // namespace
}  // namespace cairn::benchmarks
