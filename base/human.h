// Sizes, rates and times as people read them.
#ifndef CAIRN_BASE_HUMAN_H_
#define CAIRN_BASE_HUMAN_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace cairn {

// "0 B", "999 B", "1.5 KiB", "2.0 GiB": powers of 1024, one decimal above bytes.
std::string HumanBytes(int64_t bytes);

// "1.5 GB/s": powers of 1000, as disks and networks are sold.
std::string HumanRate(double bytes_per_second);

// "0.4 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string HumanDuration(absl::Duration duration);

// "1,234,567".
std::string HumanCount(int64_t count);

// "2026-11-21T10:00:00.123456Z": RFC 3339 in UTC, fraction without trailing zeros.
std::string Rfc3339(absl::Time time);

}  // namespace cairn

#endif  // CAIRN_BASE_HUMAN_H_
