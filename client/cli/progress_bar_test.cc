#include "client/cli/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace cairn::cli {
namespace {

using ::testing::HasSubstr;

class ProgressBarTest : public ::testing::Test {
 protected:
  std::ostringstream results_;
  std::ostringstream errors_;
  FakeClock clock_;
};

TEST_F(ProgressBarTest, SaysTheRateAndTheTimeLeft) {
  Output output(results_, errors_, {.show_progress = true});
  ProgressBar bar("saving", output, &clock_);
  clock_.Advance(absl::Seconds(2));
  bar.callback()({.done_bytes = 4'000'000'000, .total_bytes = 24'000'000'000});
  EXPECT_THAT(errors_.str(), HasSubstr("saving"));
  EXPECT_THAT(errors_.str(), HasSubstr("2.0 GB/s"));
  EXPECT_THAT(errors_.str(), HasSubstr("10 s left"));
}

TEST_F(ProgressBarTest, BeforeAnythingIsDoneThereIsNoRate) {
  Output output(results_, errors_, {.show_progress = true});
  ProgressBar bar("saving", output, &clock_);
  bar.callback()({.done_bytes = 0, .total_bytes = 100});
  EXPECT_THAT(errors_.str(), HasSubstr("0 B of 100 B"));
  EXPECT_EQ(errors_.str().find("left"), std::string::npos);
}

TEST_F(ProgressBarTest, IsSilentWhereThereIsNoTerminal) {
  Output output(results_, errors_, {});
  {
    EXPECT_EQ(ProgressBar("saving", output, &clock_).callback(), nullptr);
  }
  EXPECT_EQ(errors_.str(), "");
}

}  // namespace
}  // namespace cairn::cli
