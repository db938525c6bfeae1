#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace cairn {
namespace {

TEST(MutexTest, OneHolderAtATime) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10000; ++i) {
        MutexLock lock(&mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 40000);
}

TEST(MutexTest, NotifyWakesAWaiterThatHoldsTheLockAgain) {
  Mutex mutex;
  ConditionVariable changed;
  bool asked = false, answered = false;
  std::thread other([&] {
    MutexLock lock(&mutex);
    while (!asked) changed.Wait(&mutex);
    answered = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(&mutex);
    asked = true;
    changed.NotifyAll();
    while (!answered) changed.WaitFor(&mutex, absl::InfiniteDuration());
  }
  other.join();
  EXPECT_TRUE(answered);
}

TEST(MutexTest, WaitForEndsWithoutANotification) {
  Mutex mutex;
  ConditionVariable never;
  MutexLock lock(&mutex);
  // May wake early; ends by itself in any case.
  while (never.WaitFor(&mutex, absl::Milliseconds(1))) {
  }
  EXPECT_FALSE(never.WaitFor(&mutex, absl::ZeroDuration()));
  EXPECT_FALSE(never.WaitFor(&mutex, -absl::InfiniteDuration()));
}

}  // namespace
}  // namespace cairn
