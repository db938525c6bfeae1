#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

namespace cairn {
namespace {

TEST(ClockTest, FakeClockStandsStillUntilTold) {
  FakeClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.Now(), absl::FromUnixMillis(101500));
  clock.Sleep(absl::Hours(1));
  EXPECT_EQ(clock.Now(), absl::FromUnixMillis(101500) + absl::Hours(1));
}

TEST(ClockTest, FakeClockMayStepBack) {
  FakeClock clock(absl::FromUnixSeconds(100));
  clock.Advance(-absl::Seconds(1));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(99));
}

TEST(ClockTest, SystemClockSleepsAtLeastAsLongAsTold) {
  const auto before = std::chrono::steady_clock::now();
  Clock::System()->Sleep(absl::Milliseconds(2));
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(2));
}

TEST(ClockTest, SystemClockTellsTheTimeOfTheMachine) {
  const absl::Time before = absl::FromTimeT(std::time(nullptr));
  EXPECT_GE(Clock::System()->Now(), before - absl::Seconds(1));
  EXPECT_EQ(Clock::System(), Clock::System());
}

}  // namespace
}  // namespace cairn
