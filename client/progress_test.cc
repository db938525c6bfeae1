#include "client/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace cairn {
namespace {

class ProgressReporterTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  std::vector<int64_t> reported_;
  ProgressReporter reporter_{[this](const Progress& p) { reported_.push_back(p.done_bytes); }, 100,
                             &clock_};
};

TEST_F(ProgressReporterTest, ReportsAtMostTenTimesASecond) {
  for (int i = 0; i < 100; ++i) {
    reporter_.Add(1);
    clock_.Advance(absl::Milliseconds(10));
  }
  EXPECT_EQ(reported_.size(), 10);
}

TEST_F(ProgressReporterTest, TheLastReportIsComplete) {
  reporter_.Add(60);
  reporter_.Add(40);
  reporter_.Finish();
  EXPECT_EQ(reported_, (std::vector<int64_t>{60, 100}));
}

TEST_F(ProgressReporterTest, BytesThatGoAgainAreTakenBack) {
  reporter_.Add(60);
  reporter_.Add(-20);
  reporter_.Finish();
  EXPECT_EQ(reported_.back(), 40);
}

TEST_F(ProgressReporterTest, AClockThatStepsBackDoesNotSilenceIt) {
  reporter_.Add(1);
  clock_.Advance(-absl::Hours(1));
  reporter_.Add(1);
  EXPECT_EQ(reported_.size(), 2);
}

TEST(ProgressReporterWithoutCallbackTest, DoesNothing) {
  FakeClock clock;
  ProgressReporter reporter(nullptr, 1, &clock);
  reporter.Add(1);
  reporter.Finish();
}

}  // namespace
}  // namespace cairn
