#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/status_matchers.h"
#include "client/mocks/mock_connection.h"

namespace cairn {
namespace {

using ::testing::ElementsAre;
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

// A server that takes saves without slices and notes on which base each was opened.
class LastSavesTest : public ClientTest {
 protected:
  LastSavesTest() {
    v1::ServerInfo info;
    info.set_part_bytes(64);
    info.set_max_payload_bytes(16);
    info.add_features("incremental");
    EXPECT_CALL(*connection_, GetServerInfo).WillRepeatedly([info](const auto&) { return info; });
    EXPECT_CALL(*connection_, CreateSaveSession)
        .WillRepeatedly([this](const auto& request) -> absl::StatusOr<v1::SaveSession> {
          bases_.push_back(request.save_session().base());
          if (bases_.back() == gone_) {
            return MakeError(ErrorReason::ERROR_REASON_CHECKPOINT_NOT_FOUND,
                             absl::StatusCode::kNotFound, "deleted");
          }
          return request.save_session();
        });
    EXPECT_CALL(*connection_, ListSlices).WillRepeatedly([](const auto&) {
      return v1::ListSlicesResponse();
    });
    EXPECT_CALL(*connection_, SealSaveSession).WillRepeatedly([](const auto&) {
      return v1::SaveSession();
    });
    EXPECT_CALL(*connection_, CommitSaveSession).WillRepeatedly([this](const auto&) {
      v1::Checkpoint checkpoint;
      checkpoint.set_uid(std::to_string(++commits_));
      return checkpoint;
    });
  }

  void Save(Client client, absl::string_view directory, const std::string& session = "") {
    SaveOptions options;
    options.session = session;
    EXPECT_OK(client.Save(directory, {}, options));
  }

  std::vector<std::string> bases_;
  std::string gone_ = "none";
  int commits_ = 0;
};

TEST_F(LastSavesTest, ASaveIsOnTopOfTheOneBeforeInItsDirectoryByAnyCopyOfTheClient) {
  Save(client_, "runs/a");
  Save(client_, "runs/b");
  Save(Client(client_), "runs/a");
  Save(client_, "runs/a");
  EXPECT_THAT(bases_, ElementsAre("", "", "uid:1", "uid:3"));
}

TEST_F(LastSavesTest, ASaveWhoseBaseIsGoneGoesWithoutOne) {
  Save(client_, "runs/a");
  gone_ = "uid:1";
  Save(client_, "runs/a");
  EXPECT_THAT(bases_, ElementsAre("", "uid:1", ""));
}

// A process that comes back after a crash knows no last save, and must be able to join.
TEST_F(LastSavesTest, ASessionWithANameHasTheBaseThatItIsGiven) {
  Save(client_, "runs/a");
  Save(client_, "runs/a", "step-2");
  EXPECT_THAT(bases_, ElementsAre("", ""));
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
