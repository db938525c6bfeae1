#include "storage/session_leases.h"

#include <utility>

#include "storage/storage_fixture.h"

namespace cairn::storage {
namespace {

class SessionLeasesTest : public StorageTest {
 protected:
  SessionRecord::State StateOf(absl::string_view session) {
    return sessions_.Get(kRuns, session)->record.state();
  }
};

TEST_F(SessionLeasesTest, ALeaseEndsWithoutRenewal) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  clock_.Advance(kDefaultSessionTtl - absl::Seconds(1));
  ASSERT_OK(sessions_.Renew(kRuns, "s"));
  clock_.Advance(kDefaultSessionTtl - absl::Seconds(1));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_EXPIRED);
  EXPECT_THAT(sessions_.Renew(kRuns, "s"), HasReason(ErrorReason::ERROR_REASON_SESSION_CLOSED));
}

TEST_F(SessionLeasesTest, AnUploadRenewsInMemoryAndNowAndThenInTheRow) {
  SessionOptions options = Named("s");
  options.ttl = absl::Minutes(4);
  ASSERT_OK(sessions_.Create(kRuns, options));
  ASSERT_OK(Upload("s", "0", "first", 1));
  const Partition partition = catalog_.Find(kRuns)->partition();
  const auto row = [&] { return *memory_table_.Get(partition, SessionKey("s")); };
  const auto first = row();
  clock_.Advance(absl::Seconds(59));
  ASSERT_OK(Upload("s", "0", "second", 1));
  EXPECT_EQ(row(), first);
  EXPECT_EQ(sessions_.Get(kRuns, "s")->record.expire_time(),
            absl::ToUnixMicros(clock_.Now() + options.ttl));
  clock_.Advance(absl::Seconds(2));
  ASSERT_OK(Upload("s", "0", "third", 1));
  EXPECT_NE(row(), first);
}

TEST_F(SessionLeasesTest, ARestartGivesOpenSessionsTheirTtlAnew) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  clock_.Advance(absl::Hours(5));
  SaveSessions restarted(options(), &catalog_, &locks_);
  EXPECT_EQ(restarted.Get(kRuns, "s")->record.state(), SessionRecord::STATE_OPEN);
  clock_.Advance(kDefaultSessionTtl);
  EXPECT_EQ(restarted.Get(kRuns, "s")->record.state(), SessionRecord::STATE_EXPIRED);
}

TEST_F(SessionLeasesTest, ACommitOutlivesTheLeaseAndIfItFailsRestartsIt) {
  ASSERT_OK(sessions_.Create(kRuns, Named("s")));
  ASSERT_OK(Upload("s", "0", "w", 10));
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 2));
  bool late = false;
  faults_.SetHook([&](Operation operation) {
    if (operation == Operation::kScan && !std::exchange(late, true)) clock_.Advance(absl::Hours(1));
  });
  EXPECT_THAT(sessions_.Commit(kRuns, "s"),
              HasReason(ErrorReason::ERROR_REASON_SLICE_COUNT_MISMATCH));
  EXPECT_TRUE(late);
  faults_.SetHook(nullptr);
  clock_.Advance(kDefaultSessionTtl - absl::Seconds(1));
  EXPECT_EQ(StateOf("s"), SessionRecord::STATE_OPEN);
  ASSERT_OK(sessions_.Seal(kRuns, "s", "0", 1));
  EXPECT_OK(sessions_.Commit(kRuns, "s"));
}

}  // namespace
}  // namespace cairn::storage
