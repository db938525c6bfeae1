#include "server/listen_failure.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"

namespace cairn::server {
namespace {

using ::testing::HasSubstr;

TEST(ListenFailure, PortInUseIsNamed) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(listener, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  EXPECT_THAT(ExplainListenFailure(absl::StrCat("127.0.0.1:", port)),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("port ", port, " is in use"))));
  close(listener);
}

TEST(ListenFailure, ForeignAddressIsNamed) {
  // 192.0.2.0/24 is kept for documentation: no machine has it.
  EXPECT_THAT(ExplainListenFailure("192.0.2.1:7070"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no such address")));
}

TEST(ListenFailure, UnknownHostIsNamed) {
  EXPECT_THAT(ExplainListenFailure("no host of this name:7070"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot be looked up")));
}

}  // namespace
}  // namespace cairn::server
