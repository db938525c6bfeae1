#include "server/page_token.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status_matchers.h"
#include "cairn/v1/checkpoint_service.pb.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

v1::ListCheckpointsRequest Request() {
  v1::ListCheckpointsRequest request;
  request.set_directory("runs/mnist");
  return request;
}

TEST(PageToken, SizeHasADefaultAndALimit) {
  EXPECT_THAT(PageSizeOf(0), IsOkAndHolds(50));
  EXPECT_THAT(PageSizeOf(7), IsOkAndHolds(7));
  EXPECT_THAT(PageSizeOf(1000000), IsOkAndHolds(1000));
  EXPECT_THAT(PageSizeOf(-1), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST(PageToken, PositionComesBackWhateverThePageSize) {
  v1::ListCheckpointsRequest request = Request();
  const std::string position("a\0\xff", 3);
  request.set_page_token(EncodePageToken(request, position));
  request.set_page_size(3);
  EXPECT_THAT(DecodePageToken(request), IsOkAndHolds(position));
}

TEST(PageToken, FirstAndLastPageHaveNone) {
  EXPECT_THAT(DecodePageToken(Request()), IsOkAndHolds(std::string()));
  EXPECT_EQ(EncodePageToken(Request(), ""), "");
}

TEST(PageToken, AnotherRequestsTokenIsRefused) {
  v1::ListCheckpointsRequest request = Request();
  request.set_page_token(EncodePageToken(request, "p"));
  request.set_directory("runs/other");
  EXPECT_THAT(DecodePageToken(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another request")));

  v1::ListSaveSessionsRequest other_call;
  other_call.set_directory("runs/mnist");
  other_call.set_page_token(EncodePageToken(Request(), "p"));
  EXPECT_THAT(DecodePageToken(other_call), HasReason(ErrorReason::ERROR_REASON_INVALID_FIELD));
}

TEST(PageToken, WhatIsNoTokenIsRefused) {
  const std::string good = EncodePageToken(Request(), "position");
  for (const std::string& token : {std::string("x"), std::string("%%%"), good.substr(0, 8),
                                   "AAAA" + good, std::string(5000, 'A')}) {
    v1::ListCheckpointsRequest request = Request();
    request.set_page_token(token);
    EXPECT_THAT(DecodePageToken(request), StatusIs(absl::StatusCode::kInvalidArgument)) << token;
  }
}

}  // namespace
}  // namespace cairn::server
