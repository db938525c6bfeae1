#include "client/features.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/status_matchers.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;
using ::testing::NiceMock;
using ::testing::Return;

class FeaturesTest : public ::testing::Test {
 protected:
  void AnswerWith(const v1::ServerInfo& info) {
    ON_CALL(connection_, GetServerInfo).WillByDefault(Return(info));
  }

  NiceMock<MockConnection> connection_;
};

TEST_F(FeaturesTest, AFeatureThatTheServerNamesIsThere) {
  v1::ServerInfo info;
  info.add_features("other");
  info.add_features("preserved");
  AnswerWith(info);
  EXPECT_OK(RequireFeature(connection_, kPreservedFeature));
}

TEST_F(FeaturesTest, OneThatItDoesNotNameIsRefusedWithItsVersion) {
  v1::ServerInfo info;
  info.set_version("0.1.0");
  info.add_features("preserved-not");
  AnswerWith(info);
  const absl::Status status = RequireFeature(connection_, kPreservedFeature);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("version \"0.1.0\"")));
  EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_NOT_YET));
}

TEST_F(FeaturesTest, AServerThatDoesNotAnswerIsTheError) {
  ON_CALL(connection_, GetServerInfo).WillByDefault(Return(absl::UnavailableError("gone")));
  EXPECT_THAT(RequireFeature(connection_, kPreservedFeature),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace cairn
