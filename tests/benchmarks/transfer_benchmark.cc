// How fast checkpoints go in and out, beside what the machine gives at best, in the same run.
//
//   bazel run -c opt //tests/benchmarks:transfer_benchmark -- --bytes 2147483648 --streams 2
//   --rounds 3
//
// Prints GB/s (10^9 bytes), CPU-seconds per GB of client and server, and the ratios: save to the
// raw O_DIRECT write, restore to raw loopback TCP. A healthy build saves at 0.6 or more of the disk
// and restores at 0.35 or more of TCP; below that something took a wrong turn. Direct writes leave
// nothing in the page cache, so the first restore is a cold one.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/allocator.h"
#include "base/error.h"
#include "base/uid.h"
#include "client/client.h"
#include "tests/benchmarks/raw_limits.h"
#include "tests/benchmarks/server_process.h"

namespace cairn::benchmarks {
namespace {

constexpr int64_t kTensorBytes = 16 << 20;

struct Flags {
  std::string server = "server/cairnd";
  std::string folder;
  int64_t bytes = int64_t{2} << 30;
  int streams = 2;
  int rounds = 3;
};

struct Sample {
  double gb_per_second = 0;
  double client_cpu = 0;  // seconds per GB
  double server_cpu = 0;
};

class Benchmark {
 public:
  Benchmark(const Flags& flags, Client client, ServerProcess& server)
      : flags_(flags),
        client_(std::move(client)),
        server_(server),
        source_(flags.bytes),
        target_(flags.bytes) {
    SeededRandom random(1);
    for (size_t at = 0; at + 8 <= source_.size(); at += 8) {
      uint64_t value = random.Next();
      std::copy_n(reinterpret_cast<const char*>(&value), 8, source_.data() + at);
    }
  }

  absl::Status Run() {
    std::vector<Sample> disk_write, disk_read, tcp, save, first, again;
    DirectFile file(flags_.folder);
    for (int round = 0; round < flags_.rounds; ++round) {
      CAIRN_RETURN_IF_ERROR(Measure(&disk_write, [&] { return file.Write(source_); }));
      CAIRN_RETURN_IF_ERROR(
          Measure(&disk_read, [&] { return file.Read(absl::MakeSpan(target_)); }));
      CAIRN_RETURN_IF_ERROR(Measure(&tcp, [&] {
        return SendOverLoopback(source_, flags_.streams, absl::MakeSpan(target_));
      }));
      CAIRN_RETURN_IF_ERROR(Measure(&save, [&] { return Save(); }));
      CAIRN_RETURN_IF_ERROR(Measure(&first, [&] { return Restore(); }));
      CAIRN_RETURN_IF_ERROR(Measure(&again, [&] { return Restore(); }));
      if (target_ != source_) return absl::DataLossError("what came back is not what was saved");
    }
    std::printf("%-28s %6s %6s %6s  %10s %10s  %s\n", "GB/s", "min", "median", "max", "client",
                "server", "ratio");
    const double write_rate = Print("raw O_DIRECT write", disk_write, 0, "");
    const double read_rate = Print("raw O_DIRECT read", disk_read, 0, "");
    const double tcp_rate = Print("raw loopback TCP", tcp, 0, "");
    Print("save, durable", save, write_rate, "of the write");
    Print("restore, first", first, read_rate, "of the read");
    Print("restore, again", again, tcp_rate, "of TCP");
    std::printf("client, server: CPU-seconds per GB, median. Server's VmHWM: %lld MiB\n",
                static_cast<long long>(server_.PeakMemoryBytes() >> 20));
    return absl::OkStatus();
  }

 private:
  absl::Status Measure(std::vector<Sample>* samples, const std::function<absl::Status()>& work) {
    const double gigabytes = static_cast<double>(flags_.bytes) / 1e9;
    const double client_before = OwnCpuSeconds(), server_before = server_.CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    CAIRN_RETURN_IF_ERROR(work());
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const double seconds = elapsed.count();
    samples->push_back({gigabytes / seconds, (OwnCpuSeconds() - client_before) / gigabytes,
                        (server_.CpuSeconds() - server_before) / gigabytes});
    return absl::OkStatus();
  }

  absl::Status Save() {
    std::vector<SliceToSave> slices;
    for (int64_t at = 0; at < flags_.bytes; at += kTensorBytes) {
      slices.push_back(WholeTensor(absl::StrCat("layer_", at / kTensorBytes, "/kernel"), "float32",
                                   {kTensorBytes / 4},
                                   absl::string_view(source_.data() + at, kTensorBytes)));
    }
    SaveOptions options;
    options.number = 1;
    options.replace = true;
    options.streams = flags_.streams;
    return client_.Save("benchmark", slices, options).status();
  }

  absl::Status Restore() {
    BufferSink sink;
    for (int64_t at = 0; at < flags_.bytes; at += kTensorBytes) {
      CAIRN_RETURN_IF_ERROR(sink.Add(absl::StrCat("layer_", at / kTensorBytes, "/kernel"),
                                     WholeBox({kTensorBytes / 4}), 4,
                                     absl::MakeSpan(target_).subspan(at, kTensorBytes)));
    }
    RestoreOptions options;
    options.streams = flags_.streams;
    return client_.Restore("benchmark", "latest", {}, options, sink).status();
  }

  static double Print(const char* what, std::vector<Sample> samples, double limit, const char* of) {
    std::sort(samples.begin(), samples.end(),
              [](const Sample& a, const Sample& b) { return a.gb_per_second < b.gb_per_second; });
    const Sample& median = samples[samples.size() / 2];
    std::printf("%-28s %6.2f %6.2f %6.2f  %10.2f %10.2f", what, samples.front().gb_per_second,
                median.gb_per_second, samples.back().gb_per_second, median.client_cpu,
                median.server_cpu);
    if (limit > 0) std::printf("  %.2f %s", median.gb_per_second / limit, of);
    std::printf("\n");
    return median.gb_per_second;
  }

  const Flags flags_;
  Client client_;
  ServerProcess& server_;
  std::vector<char> source_;
  std::vector<char> target_;
};

absl::Status Run(Flags flags) {
  if (flags.bytes < kTensorBytes || flags.bytes % kTensorBytes != 0) {
    return absl::InvalidArgumentError("--bytes must be a multiple of 16 MiB");
  }
  std::filesystem::path folder(flags.folder);
  if (folder.empty()) folder = std::filesystem::temp_directory_path();
  folder /= absl::StrCat("cairn-benchmark-", Random::System()->NextUid().ToHex());
  std::filesystem::create_directories(folder);
  flags.folder = folder.string();
  absl::Status status = [&]() -> absl::Status {
    CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<ServerProcess> server,
                           ServerProcess::Start(flags.server, absl::StrCat(flags.folder, "/data")));
    CAIRN_ASSIGN_OR_RETURN(Client client, Client::Connect(server->address()));
    return Benchmark(flags, std::move(client), *server).Run();
  }();
  std::filesystem::remove_all(folder);
  return status;
}

}  // namespace
}  // namespace cairn::benchmarks

int main(int argc, char** argv) {
  cairn::KeepLargeBlocks();
  cairn::benchmarks::Flags flags;
  CLI::App app("Saves and restores over loopback, beside the raw disk and raw TCP.");
  app.add_option("--bytes", flags.bytes, "How many bytes to save")->capture_default_str();
  app.add_option("--streams", flags.streams, "Over how many streams")->capture_default_str();
  app.add_option("--rounds", flags.rounds, "How often")->capture_default_str();
  app.add_option("--server", flags.server, "The cairnd to start")->capture_default_str();
  app.add_option("--folder", flags.folder, "Where its data goes; default: the temporary folder");
  CLI11_PARSE(app, argc, argv);
  absl::Status status = cairn::benchmarks::Run(flags);
  if (!status.ok()) std::fprintf(stderr, "transfer_benchmark: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
