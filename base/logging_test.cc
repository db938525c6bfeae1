#include "base/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace cairn {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

class LoggingTest : public ::testing::Test {
 protected:
  ~LoggingTest() override { SetLogLevel(LogLevel::kInfo); }
};

TEST_F(LoggingTest, WritesTimeLevelAndMessageOnOneLine) {
  CaptureStderr();
  CAIRN_LOG(kInfo) << "listening port=" << 7070;
  EXPECT_THAT(
      GetCapturedStderr(),
      MatchesRegex(
          "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z info listening port=7070\n"));
}

TEST_F(LoggingTest, DropsLinesBelowTheLevel) {
  CaptureStderr();
  CAIRN_LOG(kDebug) << "unseen";
  SetLogLevel(LogLevel::kError);
  CAIRN_LOG(kWarning) << "unseen";
  CAIRN_LOG(kError) << "bad";
  SetLogLevel(LogLevel::kDebug);
  CAIRN_LOG(kDebug) << "detail";
  const std::string text = GetCapturedStderr();
  EXPECT_THAT(text, ::testing::Not(HasSubstr("unseen")));
  EXPECT_THAT(text, HasSubstr("error bad\n"));
  EXPECT_THAT(text, HasSubstr("debug detail\n"));
}

TEST_F(LoggingTest, AValueCannotForgeALine) {
  CaptureStderr();
  CAIRN_LOG(kWarning) << "name="
                      << "a\n2026-01-01 error\x1b[31m";
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("warning name=a 2026-01-01 error [31m\n"));
}

TEST_F(LoggingTest, BracesAreNotAFormat) {
  CaptureStderr();
  CAIRN_LOG(kInfo) << "key={0} {";
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("info key={0} {\n"));
}

TEST_F(LoggingTest, LinesOfThreadsDoNotMix) {
  CaptureStderr();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i) CAIRN_LOG(kInfo) << "begin " << i << " end";
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(GetCapturedStderr());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, MatchesRegex(".*Z info begin [0-9]+ end"));
  }
  EXPECT_EQ(count, 200);
}

}  // namespace
}  // namespace cairn
