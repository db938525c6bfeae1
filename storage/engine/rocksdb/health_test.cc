#include "storage/engine/rocksdb/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"

namespace cairn::storage {
namespace {

TEST(HealthTest, TakesWritesUntilItFails) {
  Health health;
  EXPECT_FALSE(health.read_only());
  EXPECT_OK(health.Check());
}

TEST(HealthTest, FailureIsFinalAndKeepsItsFirstCause) {
  Health health;
  health.Fail("the log could not be written");
  health.Fail("something later");
  EXPECT_TRUE(health.read_only());
  const absl::Status status = health.Check();
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_STORE_READ_ONLY));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               testing::HasSubstr("the log could not be written")));
  EXPECT_EQ(DetailOf(status).metadata().at("cause"), "the log could not be written");
}

TEST(HealthTest, WhoKnowsBetterSaysWhatToDo) {
  Health health;
  health.Fail("rows were lost", "restore a backup");
  EXPECT_THAT(std::string(health.Check().message()),
              testing::HasSubstr("rows were lost; restore a backup, reads go on"));
}

}  // namespace
}  // namespace cairn::storage
