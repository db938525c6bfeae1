// How far a save or a restore is.
#ifndef CAIRN_CLIENT_PROGRESS_H_
#define CAIRN_CLIENT_PROGRESS_H_

#include <cstdint>
#include <functional>

namespace cairn {

struct Progress {
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
};

using ProgressFn = std::function<void(const Progress&)>;

}  // namespace cairn

#endif  // CAIRN_CLIENT_PROGRESS_H_
