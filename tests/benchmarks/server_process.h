// A cairnd of its own: a child process on a free port, with its data in a folder that the caller
// gives.
#ifndef CAIRN_TESTS_BENCHMARKS_SERVER_PROCESS_H_
#define CAIRN_TESTS_BENCHMARKS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace cairn::benchmarks {

// Seconds of CPU, user and system together, that this process has used.
double OwnCpuSeconds();

class ServerProcess {
 public:
  // Starts `program` and returns when it serves. Errors: kUnavailable (it ended before that).
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::string& program,
                                                              const std::string& data);
  // Stops it with SIGTERM and waits.
  ~ServerProcess();

  const std::string& address() const { return address_; }  // HOST:PORT
  double CpuSeconds() const;
  int64_t PeakMemoryBytes() const;  // VmHWM

 private:
  ServerProcess(pid_t pid, std::string address) : pid_(pid), address_(std::move(address)) {}
  const pid_t pid_;
  const std::string address_;
};

}  // namespace cairn::benchmarks

#endif  // CAIRN_TESTS_BENCHMARKS_SERVER_PROCESS_H_
