#include "client/retry_policy.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

absl::Status WithRetryDelay(absl::StatusCode code, int64_t seconds) {
  ErrorDetail detail;
  detail.set_reason(ErrorReason::ERROR_REASON_TOO_MANY_STREAMS);
  detail.mutable_retry_delay()->set_seconds(seconds);
  return WithDetail(absl::Status(code, "full"), detail);
}

class BackoffTest : public ::testing::Test {
 protected:
  absl::Duration Waited() const { return clock_.Now() - start_; }

  FakeClock clock_;
  SeededRandom random_{1};
  const absl::Time start_ = clock_.Now();
  const RetryPolicy policy_;
};

TEST_F(BackoffTest, GivesUpAfterTheAttemptsOfThePolicyAndAFewSeconds) {
  Backoff backoff(policy_, &clock_, &random_);
  int attempts = 1;
  while (backoff.WaitToRetry(absl::UnavailableError("gone"))) ++attempts;
  EXPECT_EQ(attempts, policy_.max_attempts);
  EXPECT_GE(Waited(), absl::Seconds(1));
  EXPECT_LE(Waited(), absl::Seconds(5));
}

TEST_F(BackoffTest, WaitsGrowUpToTheLongest) {
  Backoff backoff(policy_, &clock_, &random_);
  absl::Time before = clock_.Now();
  for (int i = 1; i < policy_.max_attempts; ++i) {
    ASSERT_TRUE(backoff.WaitToRetry(absl::UnavailableError("gone")));
    const absl::Duration full = std::min(policy_.first_wait * (1 << (i - 1)), policy_.max_wait);
    EXPECT_GE(clock_.Now() - before, full / 2 - absl::Microseconds(1));
    EXPECT_LE(clock_.Now() - before, full);
    before = clock_.Now();
  }
}

TEST_F(BackoffTest, WaitsAsLongAsTheServerAsks) {
  Backoff backoff(policy_, &clock_, &random_);
  EXPECT_TRUE(backoff.WaitToRetry(WithRetryDelay(absl::StatusCode::kResourceExhausted, 7)));
  EXPECT_EQ(Waited(), absl::Seconds(7));
}

TEST_F(BackoffTest, DoesNotWaitForAServerThatAsksForTooLong) {
  Backoff backoff(policy_, &clock_, &random_);
  EXPECT_FALSE(backoff.WaitToRetry(WithRetryDelay(absl::StatusCode::kUnavailable, 3600)));
  EXPECT_EQ(Waited(), absl::ZeroDuration());
}

TEST_F(BackoffTest, DoesNotRepeatWhatCannotSucceed) {
  Backoff backoff(policy_, &clock_, &random_);
  EXPECT_FALSE(backoff.WaitToRetry(absl::NotFoundError("no such checkpoint")));
  EXPECT_FALSE(backoff.WaitToRetry(absl::DataLossError("damaged")));
  EXPECT_EQ(Waited(), absl::ZeroDuration());
}

TEST_F(BackoffTest, RepeatsAnUnknownOutcome) {
  Backoff backoff(policy_, &clock_, &random_);
  EXPECT_TRUE(backoff.WaitToRetry(MakeError(ErrorReason::ERROR_REASON_OUTCOME_UNKNOWN,
                                            absl::StatusCode::kAborted, "answer lost")));
}

TEST_F(BackoffTest, ResetAllowsTheAttemptsAnew) {
  Backoff backoff(policy_, &clock_, &random_);
  while (backoff.WaitToRetry(absl::UnavailableError("gone"))) {
  }
  backoff.Reset();
  EXPECT_TRUE(backoff.WaitToRetry(absl::UnavailableError("gone")));
}

}  // namespace
}  // namespace cairn
