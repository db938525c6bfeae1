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

// Calls move(file, block, at) for every block of `bytes` bytes of the file at `path`.
template <typename Move>
absl::Status ForEachBlock(const std::string& path, int flags, size_t bytes, Move move) {
  const int fd = open(path.c_str(), flags | O_DIRECT, 0600);
  if (fd < 0) return LastError(absl::StrCat("opening ", path, " with O_DIRECT"));
  void* memory = nullptr;
  const bool allocated = posix_memalign(&memory, 4096, kBlockBytes) == 0;
  bool ok = allocated;
  for (size_t at = 0; ok && at + kBlockBytes <= bytes; at += kBlockBytes) {
    ok = move(fd, static_cast<char*>(memory), at) == static_cast<ssize_t>(kBlockBytes);
  }
  if (ok) ok = fdatasync(fd) == 0;
  absl::Status status =
      ok ? absl::OkStatus() : LastError(absl::StrCat("reading or writing ", path));
  std::free(memory);
  close(fd);
  return status;
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

DirectFile::~DirectFile() { unlink(path_.c_str()); }

absl::Status DirectFile::Write(absl::Span<const char> bytes) {
  return ForEachBlock(path_, O_CREAT | O_TRUNC | O_WRONLY, bytes.size(),
                      [&](int fd, char* block, size_t at) {
                        std::memcpy(block, bytes.data() + at, kBlockBytes);
                        return write(fd, block, kBlockBytes);
                      });
}

absl::Status DirectFile::Read(absl::Span<char> out) {
  return ForEachBlock(path_, O_RDONLY, out.size(), [&](int fd, char* block, size_t at) {
    const ssize_t n = read(fd, block, kBlockBytes);
    if (n == static_cast<ssize_t>(kBlockBytes)) std::memcpy(out.data() + at, block, kBlockBytes);
    return n;
  });
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
