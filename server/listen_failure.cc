#include "server/listen_failure.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cairn::server {
namespace {

// Binds as a server would. 0, or why it cannot.
int TryToBind(const addrinfo& address) {
  const int descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol);
  if (descriptor < 0) return errno;
  const int on = 1;
  (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Listening is what tells a port in use when both sockets reuse addresses.
  const bool ok =
      bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 && listen(descriptor, 1) == 0;
  const int error = ok ? 0 : errno;
  close(descriptor);
  return error;
}

std::string Reason(int error, absl::string_view port) {
  switch (error) {
    case EADDRINUSE:
      return absl::StrCat("port ", port,
                          " is in use; stop the program that has it, or choose another port "
                          "with --listen (port 0 takes a free one)");
    case EACCES:
      return absl::StrCat("this user may not take port ", port,
                          "; choose one above 1023 with --listen");
    case EADDRNOTAVAIL:
      return "this machine has no such address; choose one of its own with --listen, or 0.0.0.0 "
             "for all";
    default:
      return absl::StrCat(error == 0 ? "unknown reason" : std::strerror(error),
                          "; choose another address with --listen");
  }
}

}  // namespace

absl::Status ExplainListenFailure(absl::string_view address) {
  const std::string context = absl::StrCat("cannot listen on ", address, ": ");
  const size_t colon = address.rfind(':');
  absl::string_view host = address.substr(0, colon);
  const std::string port(colon == absl::string_view::npos ? "" : address.substr(colon + 1));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");

  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(std::string(host).c_str(), port.c_str(), &hints, &found)) {
    return absl::UnavailableError(absl::StrCat(context, "the host cannot be looked up (",
                                               gai_strerror(error),
                                               "); choose another address with --listen"));
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* one = found; one != nullptr && error == 0; one = one->ai_next) {
    error = TryToBind(*one);
  }
  return absl::UnavailableError(absl::StrCat(context, Reason(error, port)));
}

}  // namespace cairn::server
