// One line per event, on stderr: CAIRN_LOG(kInfo) << "listening address=" << address;
//
// Values are `name=value`. Behind it stands spdlog, seen by base/logging.cc alone. Thread-safe.
#ifndef CAIRN_BASE_LOGGING_H_
#define CAIRN_BASE_LOGGING_H_

#include <sstream>

#include "absl/strings/string_view.h"

namespace cairn {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Drops lines below `level`. The default is kInfo.
void SetLogLevel(LogLevel level);

namespace internal {
// Writes its line when it is destroyed.
class LogLine {
 public:
  explicit LogLine(LogLevel level) : level_(level) {}
  ~LogLine();
  template <typename T>
  LogLine& operator<<(const T& value) {
    line_ << value;
    return *this;
  }

 private:
  const LogLevel level_;
  std::ostringstream line_;
};
}  // namespace internal
}  // namespace cairn

#define CAIRN_LOG(level) ::cairn::internal::LogLine(::cairn::LogLevel::level)

#endif  // CAIRN_BASE_LOGGING_H_
