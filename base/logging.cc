#include "base/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"

namespace cairn {
namespace {

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger* NewLogger() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(spdlog::color_mode::automatic);
  auto logger = std::make_unique<spdlog::logger>("cairn", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::info);
  return logger.release();
}

// Never destroyed: threads may log until the process ends.
spdlog::logger& Logger() {
  static spdlog::logger* const logger = NewLogger();
  return *logger;
}

}  // namespace

void SetLogLevel(LogLevel level) { Logger().set_level(SpdlogLevel(level)); }

namespace internal {

LogLine::~LogLine() {
  const spdlog::level::level_enum level = SpdlogLevel(level_);
  if (!Logger().should_log(level)) return;
  std::string line = line_.str();
  // Values may come from outside: a line break in one must not look like the next event.
  for (char& c : line) {
    if (absl::ascii_iscntrl(c)) c = ' ';
  }
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace internal
}  // namespace cairn
