#include "base/human.h"

#include <gtest/gtest.h>

#include <limits>

namespace cairn {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(HumanTest, Bytes) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(HumanBytes(int64_t{2} << 30), "2.0 GiB");
  EXPECT_EQ(HumanBytes(-1536), "-1.5 KiB");
  EXPECT_EQ(HumanBytes(kMax), "8.0 EiB");
  EXPECT_EQ(HumanBytes(kMin), "-8.0 EiB");
}

TEST(HumanTest, Rate) {
  EXPECT_EQ(HumanRate(0), "0 B/s");
  EXPECT_EQ(HumanRate(999.7), "1.0 kB/s");
  EXPECT_EQ(HumanRate(1.5e9), "1.5 GB/s");
  EXPECT_EQ(HumanRate(999.96e6), "1.0 GB/s");
  EXPECT_EQ(HumanRate(2e15), "2000.0 TB/s");
  EXPECT_EQ(HumanRate(1.0 / 0.0), "unknown rate");
}

TEST(HumanTest, Duration) {
  EXPECT_EQ(HumanDuration(absl::ZeroDuration()), "0.0 s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(400)), "0.4 s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(9960)), "10 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(12)), "12 s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(59600)), "1 min 00 s");
  EXPECT_EQ(HumanDuration(absl::Seconds(185)), "3 min 05 s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(3599600)), "1 h 00 min");
  EXPECT_EQ(HumanDuration(absl::Minutes(130)), "2 h 10 min");
  EXPECT_EQ(HumanDuration(absl::Hours(50)), "50 h 00 min");
  EXPECT_EQ(HumanDuration(-absl::Seconds(12)), "-12 s");
  EXPECT_EQ(HumanDuration(absl::InfiniteDuration()), "forever");
}

TEST(HumanTest, Count) {
  EXPECT_EQ(HumanCount(0), "0");
  EXPECT_EQ(HumanCount(999), "999");
  EXPECT_EQ(HumanCount(1000), "1,000");
  EXPECT_EQ(HumanCount(1234567), "1,234,567");
  EXPECT_EQ(HumanCount(-123), "-123");
  EXPECT_EQ(HumanCount(-1234), "-1,234");
  EXPECT_EQ(HumanCount(kMin), "-9,223,372,036,854,775,808");
}

TEST(HumanTest, TimeIsUtcWithoutTrailingZeros) {
  const absl::Time time = absl::FromUnixSeconds(1795255200);
  EXPECT_EQ(Rfc3339(time), "2026-11-21T10:00:00Z");
  EXPECT_EQ(Rfc3339(time + absl::Microseconds(123456)), "2026-11-21T10:00:00.123456Z");
  EXPECT_EQ(Rfc3339(time + absl::Milliseconds(500)), "2026-11-21T10:00:00.5Z");
}

}  // namespace
}  // namespace cairn
