#include "server/request_log.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "base/error.h"

namespace cairn::server {
namespace {

TEST(CallRecord, LineSaysWhatHappened) {
  FakeClock clock;
  SeededRandom random(1);
  CallRecord call("UploadSlices", &clock, &random);
  call.AddBytes(1000);
  call.AddBytes(24);
  clock.Advance(absl::Microseconds(1500));
  EXPECT_EQ(call.Line(absl::OkStatus()),
            "call=UploadSlices code=OK milliseconds=1.5 bytes=1024 call_id=" + call.call_id());
}

TEST(CallRecord, EveryCallHasAnIdOfItsOwn) {
  SeededRandom random(1);
  CallRecord first("GetDirectory", Clock::System(), &random);
  CallRecord second("GetDirectory", Clock::System(), &random);
  EXPECT_EQ(first.call_id().size(), 16u);
  EXPECT_NE(first.call_id(), second.call_id());
}

TEST(CallRecord, ErrorStaysOnOneBoundedLine) {
  CallRecord call("GetDirectory");
  const std::string line =
      call.Line(absl::NotFoundError("no\ncall=Forged code=OK" + std::string(5000, 'x')));
  EXPECT_TRUE(absl::StrContains(line, "code=NOT_FOUND"));
  EXPECT_TRUE(absl::StrContains(line, "message=no\\x0acall"));
  EXPECT_FALSE(absl::StrContains(line, "\n"));
  EXPECT_LT(line.size(), 1000u);
}

}  // namespace
}  // namespace cairn::server
