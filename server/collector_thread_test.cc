#include "server/collector_thread.h"

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "server/mock_store.h"

namespace cairn::server {
namespace {

using ::testing::NiceMock;

// Counts the runs and lets a test wait for them.
class CountingStore {
 public:
  CountingStore() {
    ON_CALL(store, Collect).WillByDefault([this] {
      MutexLock lock(&mutex_);
      ++runs_;
      ran_.NotifyAll();
      return answer;
    });
  }
  void WaitForRuns(int runs) {
    MutexLock lock(&mutex_);
    while (runs_ < runs) ran_.Wait(&mutex_);
  }

  NiceMock<MockStore> store;
  absl::StatusOr<storage::CollectResult> answer = storage::CollectResult();

 private:
  Mutex mutex_;
  ConditionVariable ran_;
  int runs_ CAIRN_GUARDED_BY(mutex_) = 0;
};

TEST(CollectorThread, FirstRunComesAtOnceAndOthersOnWake) {
  CountingStore counting;
  CollectorThread collector(&counting.store, absl::Hours(24));
  counting.WaitForRuns(1);
  collector.Wake();
  counting.WaitForRuns(2);
}

TEST(CollectorThread, RunsAgainAfterThePeriod) {
  CountingStore counting;
  CollectorThread collector(&counting.store, absl::Milliseconds(1));
  counting.WaitForRuns(3);
}

TEST(CollectorThread, FailureDoesNotEndIt) {
  CountingStore counting;
  counting.answer = absl::UnavailableError("disk");
  CollectorThread collector(&counting.store, absl::Milliseconds(1));
  counting.WaitForRuns(2);
}

}  // namespace
}  // namespace cairn::server
