#include "client/client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/status_matchers.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::HasSubstr;

class ClientTest : public ::testing::Test {
 protected:
  const std::shared_ptr<MockConnection> connection_ = std::make_shared<MockConnection>();
  Client client_{connection_};
};

TEST_F(ClientTest, ListsFollowEveryPage) {
  EXPECT_CALL(*connection_, ListCheckpoints)
      .Times(3)
      .WillRepeatedly([](const v1::ListCheckpointsRequest& request) {
        EXPECT_EQ(request.directory(), "runs/a");
        v1::ListCheckpointsResponse page;
        page.add_checkpoints()->set_reference("after " + request.page_token());
        if (request.page_token() != "22") page.set_next_page_token(request.page_token() + "2");
        return page;
      });
  ASSERT_OK_AND_ASSIGN(const auto checkpoints, client_.ListCheckpoints("runs/a"));
  ASSERT_EQ(checkpoints.size(), 3);
  EXPECT_EQ(checkpoints[2].reference(), "after 22");
}

TEST_F(ClientTest, AnErrorOnALaterPageIsTheListsError) {
  EXPECT_CALL(*connection_, ListDirectories)
      .WillOnce([](const auto&) {
        v1::ListDirectoriesResponse page;
        page.set_next_page_token("2");
        return page;
      })
      .WillOnce([](const auto&) { return absl::UnavailableError("gone"); });
  EXPECT_THAT(client_.ListDirectories(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ClientTest, AVisitorsErrorEndsTheList) {
  EXPECT_CALL(*connection_, ListTensors).WillOnce([](const auto&) {
    v1::ListTensorsResponse page;
    page.set_next_page_token("2");
    return page;
  });
  EXPECT_THAT(client_.ListTensors({}, [](const auto&) { return absl::CancelledError("enough"); }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientTest, ObjectPathsGoToServersThatKnowThemAlone) {
  v1::ListTensorsRequest list;
  list.set_object_path("");  // the root is asked for too
  const auto visit = [](const auto&) { return absl::OkStatus(); };
  v1::Selector selector;
  selector.set_object_path("model/l1");
  BufferSink sink;

  v1::ServerInfo info;
  info.set_version("0.0.9");
  info.add_features("something else");
  EXPECT_CALL(*connection_, GetServerInfo).WillRepeatedly([&](const auto&) { return info; });
  EXPECT_CALL(*connection_, ListTensors).Times(0);
  EXPECT_CALL(*connection_, OpenRestore).Times(0);
  for (const absl::Status& status :
       {client_.ListTensors(list, visit),
        client_.Restore("runs/a", "latest", {v1::Selector(), selector}, {}, sink).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("0.0.9")));
    EXPECT_THAT(status, HasReason(ErrorReason::ERROR_REASON_NOT_YET));
    EXPECT_EQ(DetailOf(status).metadata().at("feature"), "object_path");
  }

  info.add_features("object_path");
  EXPECT_CALL(*connection_, ListTensors).WillOnce([](const auto& request) {
    EXPECT_TRUE(request.has_object_path());
    return v1::ListTensorsResponse();
  });
  EXPECT_OK(client_.ListTensors(list, visit));
  EXPECT_CALL(*connection_, OpenRestore).WillOnce([](const auto& request) {
    EXPECT_EQ(request.selectors(0).object_path(), "model/l1");
    return absl::NotFoundError("asked");
  });
  EXPECT_THAT(client_.Restore("runs/a", "latest", {selector}, {}, sink),
              StatusIs(absl::StatusCode::kNotFound, "asked"));
}

TEST(ClientConnectTest, TakesHostAndPort) {
  for (absl::string_view server : {"localhost:7070", "10.0.0.1:1", "[::1]:65535"}) {
    EXPECT_OK(Client::Connect(server)) << server;
  }
  for (absl::string_view server : {"", "localhost", ":7070", "localhost:", "localhost:0",
                                   "localhost:65536", "localhost:x", "::1:7070", "http://a:1"}) {
    EXPECT_THAT(Client::Connect(server),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("HOST:PORT")))
        << server;
  }
}

}  // namespace
}  // namespace cairn
