#include "base/rpc/grpc_status.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "base/status_matchers.h"

namespace cairn {
namespace {

TEST(GrpcStatus, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_OK(FromGrpcStatus(grpc::Status::OK));
}

TEST(GrpcStatus, EveryCodeComesBack) {
  for (int code = 1; code <= 16; ++code) {
    absl::Status status(static_cast<absl::StatusCode>(code), "what happened");
    EXPECT_EQ(static_cast<int>(ToGrpcStatus(status).error_code()), code);
    EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  }
}

TEST(GrpcStatus, DetailComesBack) {
  absl::Status status =
      MakeError(ErrorReason::ERROR_REASON_NUMBER_TAKEN, absl::StatusCode::kAlreadyExists,
                "7 is in use", {{"directory", "runs/mnist"}, {"number", "7"}});
  absl::Status back = FromGrpcStatus(ToGrpcStatus(status));
  EXPECT_EQ(back, status);
  EXPECT_EQ(DetailOf(back).metadata().at("directory"), "runs/mnist");
}

TEST(GrpcStatus, ForeignDetailsLeaveCodeAndMessage) {
  grpc::Status foreign(grpc::StatusCode::ABORTED, "no", "\xff\xff not a message");
  EXPECT_EQ(FromGrpcStatus(foreign), absl::AbortedError("no"));
}

TEST(GrpcStatus, LongTextsAreCutSoThatTrailersStaySmall) {
  const std::string key(4096, 'k');
  absl::Status status = MakeError(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND,
                                  absl::StatusCode::kNotFound, key, {{"selector", key}});
  grpc::Status wire = ToGrpcStatus(status);
  EXPECT_LE(wire.error_message().size(), 1024u);
  EXPECT_LE(wire.error_details().size(), 3200u);
  absl::Status back = FromGrpcStatus(wire);
  EXPECT_THAT(back, HasReason(ErrorReason::ERROR_REASON_TENSOR_NOT_FOUND));
  EXPECT_TRUE(absl::EndsWith(DetailOf(back).metadata().at("selector"), "k..."));
}

TEST(GrpcStatus, NoCharacterIsCutInTwo) {
  std::string text = "x";
  while (text.size() < 2000) text += "\xc3\xa9";  // e with acute accent
  const std::string cut = ToGrpcStatus(absl::InternalError(text)).error_message();
  EXPECT_TRUE(absl::EndsWith(cut, "\xa9..."));
}

TEST(GrpcStatus, ManyLongValuesLeaveTheReason) {
  ErrorDetail detail;
  detail.set_reason(ErrorReason::ERROR_REASON_STORAGE_FULL);
  detail.mutable_retry_delay()->set_seconds(3);
  for (int i = 0; i < 100; ++i) {
    (*detail.mutable_metadata())[std::to_string(i)] = std::string(500, 'v');
  }
  ErrorDetail back = DetailOf(
      FromGrpcStatus(ToGrpcStatus(WithDetail(absl::ResourceExhaustedError("full"), detail))));
  EXPECT_EQ(back.reason(), ErrorReason::ERROR_REASON_STORAGE_FULL);
  EXPECT_EQ(back.retry_delay().seconds(), 3);
}

}  // namespace
}  // namespace cairn
