#include "client/cli/usage_error.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cairn::cli {
namespace {

TEST(ExitStatusTest, TellsUsageErrorsFromFailures) {
  EXPECT_EQ(ExitStatus(absl::OkStatus()), 0);
  EXPECT_EQ(ExitStatus(absl::InvalidArgumentError("the server refuses it")), 1);
  EXPECT_EQ(ExitStatus(UsageError("needs @")), 2);
}

TEST(ExitStatusTest, ContextDoesNotHideAUsageError) {
  EXPECT_EQ(ExitStatus(WithContext(UsageError("needs @"), "rm")), 2);
}

}  // namespace
}  // namespace cairn::cli
