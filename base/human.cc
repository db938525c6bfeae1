#include "base/human.h"

#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace cairn {
namespace {

// "1.5" and the unit that `factor` reaches, with no decimal in the first unit.
template <size_t kCount>
std::string Scaled(double value, double factor, const char* const (&units)[kCount]) {
  size_t unit = 0;
  // What would print as a whole factor (1023.96) belongs to the next unit.
  for (double limit = factor - 0.5; value >= limit && unit + 1 < kCount; limit = factor - 0.05) {
    value /= factor;
    ++unit;
  }
  const int decimals = unit == 0 ? 0 : 1;
  return absl::StrFormat("%.*f %s", decimals, value, units[unit]);
}

std::string Sign(bool negative) { return negative ? "-" : ""; }

}  // namespace

std::string HumanBytes(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const double magnitude = std::abs(static_cast<double>(bytes));
  return Sign(bytes < 0) + Scaled(magnitude, 1024, kUnits);
}

std::string HumanRate(double bytes_per_second) {
  static constexpr const char* kUnits[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
  if (!std::isfinite(bytes_per_second)) return "unknown rate";
  return Sign(bytes_per_second < 0) + Scaled(std::abs(bytes_per_second), 1000, kUnits);
}

std::string HumanDuration(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return absl::StrCat("-", HumanDuration(-duration));
  if (duration == absl::InfiniteDuration()) return "forever";
  const auto rounded = [&](absl::Duration unit) { return (duration + unit / 2) / unit; };
  const int64_t tenths = rounded(absl::Milliseconds(100));
  if (tenths < 100) return absl::StrFormat("%d.%d s", tenths / 10, tenths % 10);
  const int64_t seconds = rounded(absl::Seconds(1));
  if (seconds < 60) return absl::StrFormat("%d s", seconds);
  if (seconds < 3600) return absl::StrFormat("%d min %02d s", seconds / 60, seconds % 60);
  const int64_t minutes = rounded(absl::Minutes(1));
  return absl::StrFormat("%d h %02d min", minutes / 60, minutes % 60);
}

std::string HumanCount(int64_t count) {
  std::string digits = absl::StrCat(count);
  const int64_t first = count < 0 ? 1 : 0;
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > first; i -= 3)
    digits.insert(i, 1, ',');
  return digits;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

}  // namespace cairn
