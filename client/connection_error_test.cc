#include "client/connection_error.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rpc/grpc_status.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

TEST(CallStatusTest, OkStaysOk) { EXPECT_OK(CallStatus("host:1", grpc::Status::OK)); }

TEST(CallStatusTest, NoConnectionSaysWhereAndWhatToDo) {
  const absl::Status status =
      CallStatus("host:1", grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_CONNECTION_LOST));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("host:1")));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("connection refused")));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cairnd --data=DIR")));
}

TEST(CallStatusTest, WhatTheServerSaidIsKept) {
  const absl::Status said = MakeError(ErrorReason::ERROR_REASON_SERVER_DRAINING,
                                      absl::StatusCode::kUnavailable, "stopping");
  EXPECT_EQ(CallStatus("host:1", ToGrpcStatus(said)), said);
}

TEST(CallStatusTest, APassedDeadlineNamesTheServer) {
  EXPECT_THAT(CallStatus("host:1", grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "")),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("host:1")));
}

}  // namespace
}  // namespace cairn
