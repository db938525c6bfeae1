#include "client/lease_keeper.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(LeaseKeeperTest, RenewsAgainAndAgain) {
  Mutex mutex;
  ConditionVariable changed;
  int renewals = 0;
  LeaseKeeper keeper(absl::Milliseconds(1), [&] {
    MutexLock lock(&mutex);
    ++renewals;
    changed.NotifyAll();
  });
  MutexLock lock(&mutex);
  while (renewals < 3) changed.Wait(&mutex);
  EXPECT_GE(renewals, 3);
}

TEST(LeaseKeeperTest, EndsWithoutWaitingForTheNextRenewal) {
  int renewals = 0;
  {
    LeaseKeeper keeper(absl::Hours(1), [&] { ++renewals; });
  }
  EXPECT_EQ(renewals, 0);
}

}  // namespace
}  // namespace cairn
