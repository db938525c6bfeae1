#include "base/memory_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace cairn {
namespace {

TEST(MemoryBudgetTest, GivesNoMoreThanIsFree) {
  MemoryBudget budget(100);
  MemoryBudget::Reservation first = budget.TryReserve(60);
  EXPECT_TRUE(first);
  EXPECT_FALSE(budget.TryReserve(41));
  EXPECT_FALSE(budget.TryReserve(101));
  EXPECT_TRUE(budget.TryReserve(40));
  EXPECT_EQ(budget.capacity_bytes(), 100);
}

TEST(MemoryBudgetTest, TakesBackOnDestructionAndRelease) {
  MemoryBudget budget(100);
  {
    MemoryBudget::Reservation whole = budget.Reserve(100);
  }
  MemoryBudget::Reservation whole = budget.TryReserve(100);
  ASSERT_TRUE(whole);
  whole.Release();
  whole.Release();
  EXPECT_FALSE(whole);
  EXPECT_TRUE(budget.TryReserve(100));
  EXPECT_FALSE(budget.TryReserve(101));
}

TEST(MemoryBudgetTest, AMovedReservationIsGivenBackOnce) {
  MemoryBudget budget(100);
  MemoryBudget::Reservation a = budget.Reserve(60);
  MemoryBudget::Reservation b = std::move(a);
  EXPECT_TRUE(b);
  EXPECT_FALSE(budget.TryReserve(41));
  MemoryBudget::Reservation c = budget.Reserve(40);
  b = std::move(c);
  EXPECT_TRUE(budget.TryReserve(60));
  EXPECT_FALSE(budget.TryReserve(61));
  b = MemoryBudget::Reservation();
  EXPECT_TRUE(budget.TryReserve(100));
}

TEST(MemoryBudgetTest, NothingIsAlwaysFree) {
  MemoryBudget budget(0);
  EXPECT_TRUE(budget.TryReserve(0));
  EXPECT_TRUE(budget.Reserve(0));
  EXPECT_FALSE(budget.TryReserve(1));
}

TEST(MemoryBudgetTest, ManyThreadsNeverPassTheCapacity) {
  MemoryBudget budget(10);
  std::atomic<int64_t> held{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const int64_t bytes = 1 + (i + t) % 10;
        MemoryBudget::Reservation reservation = budget.Reserve(bytes);
        const int64_t now = held += bytes;
        for (int64_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        held -= bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 10);
  EXPECT_GE(most, 10);
  EXPECT_TRUE(budget.TryReserve(10));
}

}  // namespace
}  // namespace cairn
