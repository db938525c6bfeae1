#include "client/stream_group.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/status_matchers.h"

namespace cairn {
namespace {

TEST(StreamGroupTest, RunsEveryIndexOnce) {
  StreamGroup group;
  std::atomic<int> sum = 0;
  EXPECT_OK(group.Run(4, [&](int index) {
    sum += 1 << (8 * index);
    return absl::OkStatus();
  }));
  EXPECT_EQ(sum, 0x01010101);
}

TEST(StreamGroupTest, TheFirstErrorCancelsTheOthersAndWins) {
  StreamGroup group;
  Mutex mutex;
  ConditionVariable changed;
  bool waiting = false;
  bool cancelled = false;
  const absl::Status status = group.Run(2, [&](int index) -> absl::Status {
    if (index == 0) {
      MutexLock lock(&mutex);
      while (!waiting) changed.Wait(&mutex);
      return absl::DataLossError("damaged");
    }
    StreamGroup::Cancellation cancellation(&group, [&] {
      MutexLock lock(&mutex);
      cancelled = true;
      changed.NotifyAll();
    });
    MutexLock lock(&mutex);
    waiting = true;
    changed.NotifyAll();
    while (!cancelled) changed.Wait(&mutex);
    return absl::CancelledError("cancelled");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(group.failed());
}

TEST(StreamGroupTest, AStreamThatStartsAfterTheFailureIsCancelledAtOnce) {
  StreamGroup group;
  group.Fail(absl::DataLossError("damaged"));
  int cancels = 0;
  StreamGroup::Cancellation cancellation(&group, [&] { ++cancels; });
  EXPECT_EQ(cancels, 1);
}

TEST(StreamGroupTest, AStreamThatIsGoneIsNotCancelled) {
  StreamGroup group;
  int cancels = 0;
  {
    StreamGroup::Cancellation cancellation(&group, [&] { ++cancels; });
  }
  group.Fail(absl::DataLossError("damaged"));
  EXPECT_EQ(cancels, 0);
}

}  // namespace
}  // namespace cairn
