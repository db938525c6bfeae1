#include "tests/benchmarks/raw_limits.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace cairn::benchmarks {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

absl::Status LastError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status WriteBlocks(int fd, absl::Span<const char> bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 4096, kBlockBytes) != 0)
    return absl::ResourceExhaustedError("no memory");
  std::unique_ptr<void, decltype(&std::free)> block(memory, &std::free);
  for (size_t at = 0; at + kBlockBytes <= bytes.size(); at += kBlockBytes) {
    std::memcpy(block.get(), bytes.data() + at, kBlockBytes);
    if (write(fd, block.get(), kBlockBytes) != static_cast<ssize_t>(kBlockBytes))
      return LastError("writing");
  }
  return fdatasync(fd) == 0 ? absl::OkStatus() : LastError("syncing");
}

void SendAll(int fd, absl::Span<const char> bytes) {
  while (!bytes.empty()) {
    ssize_t n = send(fd, bytes.data(), std::min(bytes.size(), kBlockBytes), 0);
    if (n <= 0) break;
    bytes.remove_prefix(n);
  }
  close(fd);
}

bool ReceiveAll(int fd, absl::Span<char> out) {
  while (!out.empty()) {
    ssize_t n = recv(fd, out.data(), std::min(out.size(), kBlockBytes), 0);
    if (n <= 0) return false;
    out.remove_prefix(n);
  }
  return true;
}

}  // namespace

absl::Status WriteDirect(const std::string& folder, absl::Span<const char> bytes) {
  std::string path = absl::StrCat(folder, "/raw");
  int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_DIRECT, 0600);
  if (fd < 0) return LastError(absl::StrCat("creating ", path, " for direct writes"));
  absl::Status status = WriteBlocks(fd, bytes);
  close(fd);
  unlink(path.c_str());
  return status;
}

absl::Status SendOverLoopback(absl::Span<const char> bytes, int streams, absl::Span<char> out) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener, streams) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return LastError("listening on loopback");
  }
  const size_t share = bytes.size() / streams;
  std::vector<std::thread> threads;
  std::vector<char> whole(streams, 0);
  for (int i = 0; i < streams; ++i) {
    int sender = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sender, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      return LastError("connecting");
    int receiver = accept(listener, nullptr, nullptr);
    threads.emplace_back([=] { SendAll(sender, bytes.subspan(i * share, share)); });
    threads.emplace_back([=, &whole] {
      whole[i] = ReceiveAll(receiver, out.subspan(i * share, share));
      close(receiver);
    });
  }
  for (std::thread& thread : threads) thread.join();
  close(listener);
  bool ok = std::all_of(whole.begin(), whole.end(), [](char done) { return done != 0; });
  return ok ? absl::OkStatus() : absl::UnavailableError("loopback broke off");
}

}  // namespace cairn::benchmarks
