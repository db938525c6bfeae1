#include "storage/engine/rocksdb/ingestion_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace cairn::storage {
namespace {

TEST(IngestionGateTest, IngestionsShareAlsoWhileARewriteWaits) {
  IngestionGate gate;
  std::optional<IngestionGate::Ingestion> first(&gate);
  std::atomic<bool> rewritten = false;
  std::thread rewrite([&] {
    const IngestionGate::Rewrite rewriting(&gate);
    rewritten = true;
  });
  {
    const IngestionGate::Ingestion second(&gate);
    EXPECT_FALSE(rewritten);
  }
  EXPECT_FALSE(rewritten);
  first.reset();
  rewrite.join();
  EXPECT_TRUE(rewritten);
}

TEST(IngestionGateTest, ARewriteIsAlone) {
  constexpr int kThreads = 8, kRounds = 500;
  IngestionGate gate;
  int unguarded = 0;  // changed by rewrites alone
  std::atomic<int> ingestions = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        if (thread % 2 == 0) {
          const IngestionGate::Rewrite rewriting(&gate);
          EXPECT_EQ(ingestions, 0);
          ++unguarded;
        } else {
          const IngestionGate::Ingestion ingesting(&gate);
          ++ingestions;
          --ingestions;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(unguarded, kThreads / 2 * kRounds);
}

}  // namespace
}  // namespace cairn::storage
