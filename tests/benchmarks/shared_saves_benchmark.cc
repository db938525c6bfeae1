// What saves by many writers, saves on top of a base and copies cost on RocksDB, beside a save of
// the same bytes into the same folder.
//
//   bazel run -c opt //tests/benchmarks:shared_saves_benchmark -- --folder /data/bench

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/uid.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/store.h"

namespace cairn::benchmarks {
namespace {

using storage::BaseRange;
using storage::CheckpointRecord;
using storage::CopyOptions;
using storage::SessionOptions;
using storage::SliceSpec;
using storage::SliceWriter;
using storage::Store;

constexpr char kRuns[] = "runs";
constexpr char kOther[] = "other";

struct Flags {
  std::string folder;
  int writers = 1000;
  int threads = 16;
  int tensors = 1000;
  int64_t tensor_bytes = 1 << 20;
};

class Benchmark {
 public:
  Benchmark(const Flags& flags, Store* store) : flags_(flags), store_(store) {}

  absl::Status Run() {
    CAIRN_RETURN_IF_ERROR(ManyWriters());
    CheckpointRecord whole, again, copy;
    const auto save = [&] { return Save("", &whole); };
    const auto save_again = [&] { return Save("latest", &again); };
    const auto copy_other = [&]() -> absl::Status {
      CopyOptions options;
      options.target_directory = kOther;
      options.renames.push_back({"layer", "net", true});
      CAIRN_ASSIGN_OR_RETURN(copy, store_->CopyCheckpoint(kRuns, "", options));
      return absl::OkStatus();
    };
    CAIRN_ASSIGN_OR_RETURN(const double full_ms, Milliseconds(save));
    CAIRN_ASSIGN_OR_RETURN(const double again_ms, Milliseconds(save_again));
    CAIRN_ASSIGN_OR_RETURN(const double copy_ms, Milliseconds(copy_other));
    std::printf("%-28s %10s %14s  %s\n", "", "ms", "stored bytes", "of the full save");
    Print("full save", full_ms, whole, full_ms, whole);
    Print("all of it from the base", again_ms, again, full_ms, whole);
    Print("copy, renamed, elsewhere", copy_ms, copy, full_ms, whole);
    return absl::OkStatus();
  }

 private:
  static absl::StatusOr<double> Milliseconds(const std::function<absl::Status()>& work) {
    const auto start = std::chrono::steady_clock::now();
    CAIRN_RETURN_IF_ERROR(work());
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    return elapsed.count();
  }

  static void Print(const char* what, double ms, const CheckpointRecord& checkpoint, double full_ms,
                    const CheckpointRecord& full) {
    std::printf(
        "%-28s %10.1f %14lld  %.4f of the time, %.4f of the bytes\n", what, ms,
        static_cast<long long>(checkpoint.stored_bytes()), ms / full_ms,
        static_cast<double>(checkpoint.stored_bytes()) / static_cast<double>(full.stored_bytes()));
  }

  static absl::Status Send(SliceWriter* stream, const std::string& key, absl::string_view bytes) {
    const auto size = static_cast<int64_t>(bytes.size());
    const SliceSpec slice{.key = key, .dtype = "uint8", .shape = {size}, .box = {{0}, {size}}};
    return stream->Append(slice, 0, {&bytes, 1}, std::nullopt);
  }

  // One of many: joins, saves three small tensors, of which all save one, and seals.
  absl::Status OneWriter(const SessionOptions& options, int index) {
    const std::string writer = absl::StrCat("rank-", index);
    CAIRN_RETURN_IF_ERROR(store_->CreateSession(kRuns, options).status());
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                           store_->NewSliceWriter(kRuns, options.session, writer));
    CAIRN_RETURN_IF_ERROR(Send(stream.get(), absl::StrCat("a/", index), "some bytes"));
    CAIRN_RETURN_IF_ERROR(Send(stream.get(), absl::StrCat("b/", index), "other bytes"));
    CAIRN_RETURN_IF_ERROR(Send(stream.get(), "step", "12345678"));
    CAIRN_RETURN_IF_ERROR(stream->Finish());
    return store_->SealSession(kRuns, options.session, writer, 3).status();
  }

  absl::Status ManyWriters() {
    SessionOptions options;
    options.session = random_->NextUid().ToHex();
    options.expected_writers = flags_.writers;
    options.commit_when_sealed = true;
    std::vector<absl::Status> results(flags_.threads);
    const auto all = [&]() -> absl::Status {
      std::vector<std::thread> threads;
      for (int t = 0; t < flags_.threads; ++t) {
        threads.emplace_back([&, t] {
          for (int i = t; i < flags_.writers && results[t].ok(); i += flags_.threads) {
            results[t] = OneWriter(options, i);
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      for (const absl::Status& result : results) CAIRN_RETURN_IF_ERROR(result);
      return absl::OkStatus();
    };
    CAIRN_ASSIGN_OR_RETURN(const double ms, Milliseconds(all));
    CAIRN_ASSIGN_OR_RETURN(const CheckpointRecord saved, store_->GetCheckpoint(kRuns, ""));
    std::printf("%d writers finished one checkpoint of %lld slices in %.0f ms: %.2f ms each\n",
                flags_.writers, static_cast<long long>(saved.slice_count()), ms,
                ms / flags_.writers);
    return absl::OkStatus();
  }

  // Saves every tensor: of new bytes, or of those of the base.
  absl::Status Save(const std::string& base, CheckpointRecord* saved) {
    SessionOptions options;
    options.base = base;
    CAIRN_ASSIGN_OR_RETURN(const storage::SessionInfo opened,
                           store_->CreateSession(kRuns, options));
    const std::string& session = opened.record.session();
    CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SliceWriter> stream,
                           store_->NewSliceWriter(kRuns, session, "0"));
    std::string bytes(flags_.tensor_bytes, '\0');
    for (int i = 0; i < flags_.tensors; ++i) {
      const std::string key = absl::StrCat("layer/", i, "/kernel");
      if (base.empty()) {
        for (char& byte : bytes) byte = static_cast<char>(byte * 5 + i);
        CAIRN_RETURN_IF_ERROR(Send(stream.get(), key, bytes));
        continue;
      }
      const SliceSpec slice{.key = key,
                            .dtype = "uint8",
                            .shape = {flags_.tensor_bytes},
                            .box = {{0}, {flags_.tensor_bytes}}};
      BaseRange range;
      range.key = key;
      CAIRN_RETURN_IF_ERROR(
          stream->AppendFromBase(slice, 0, flags_.tensor_bytes, range, std::nullopt));
    }
    CAIRN_RETURN_IF_ERROR(stream->Finish());
    CAIRN_RETURN_IF_ERROR(store_->SealSession(kRuns, session, "0", flags_.tensors).status());
    CAIRN_ASSIGN_OR_RETURN(*saved, store_->CommitSession(kRuns, session));
    return absl::OkStatus();
  }

  const Flags flags_;
  Store* const store_;
  Random* const random_ = Random::System();
};

absl::Status Run(const Flags& flags) {
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<storage::RocksDbEngine> engine,
                         storage::RocksDbEngine::Open(flags.folder));
  CAIRN_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store,
                         Store::Open({.table = engine->table(), .segments = engine->segments()}));
  return Benchmark(flags, store.get()).Run();
}

}  // namespace
}  // namespace cairn::benchmarks

int main(int argc, char** argv) {
  cairn::benchmarks::Flags flags;
  CLI::App app("Saves by many writers, on top of a base, and copies.");
  app.add_option("--folder", flags.folder, "A folder for the store, new.")->required();
  app.add_option("--writers", flags.writers, "Who finish one checkpoint.");
  app.add_option("--threads", flags.threads, "That they share.");
  app.add_option("--tensors", flags.tensors, "Of the checkpoint that is saved again and copied.");
  app.add_option("--tensor-bytes", flags.tensor_bytes, "Of each.");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = cairn::benchmarks::Run(flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  return 1;
}
