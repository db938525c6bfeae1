// cairnd: the Cairn server. Exit status: 0 a clean stop, 1 a failure, 2 wrong usage.
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "base/allocator.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/logging.h"
#include "server/config.h"
#include "server/limits.h"
#include "server/server.h"
#include "storage/engine/rocksdb/rocksdb_engine.h"
#include "storage/store.h"

namespace cairn::server {
namespace {

constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
// How soon a store that stopped taking writes shows in the health service.
constexpr timespec kHealthPeriod = {.tv_sec = 1, .tv_nsec = 0};

struct Flags {
  std::string config_file;
  Config config;  // what flags say
  bool print_config = false;
};

int Fail(const absl::Status& status, int exit_status) {
  std::cerr << "cairnd: " << status.message() << std::endl;
  return exit_status;
}

void DefineFlags(CLI::App* app, Flags* flags) {
  Config* config = &flags->config;
  app->set_version_flag("--version", std::string("cairnd ") + kVersion);
  app->add_option("--config", flags->config_file,
                  "File with a text proto cairn.server.v1.Config; flags win over it");
  app->add_flag("--print_config", flags->print_config, "Print the resulting configuration and end");
  app->add_option_function<std::string>(
      "--listen", [config](const std::string& value) { config->set_listen(value); },
      "HOST:PORT to listen on; port 0 takes a free one (default 127.0.0.1:7070)");
  app->add_option_function<std::string>(
      "--data", [config](const std::string& value) { config->set_data(value); },
      "Folder of the store, made if it is not there (required)");
  app->add_option_function<int32_t>(
      "--max_streams", [config](int32_t value) { config->set_max_streams(value); },
      "Uploads and downloads that may run at a time (default 64)");
  app->add_option_function<int64_t>(
      "--buffer_bytes", [config](int64_t value) { config->set_buffer_bytes(value); },
      "Bytes that all streams may buffer together (default 128 MiB)");
  app->add_option_function<int32_t>(
      "--drain_seconds", [config](int32_t value) { config->set_drain_seconds(value); },
      "How long streams may go on after SIGTERM (default 30)");
  app->add_option_function<int64_t>(
      "--reserve_bytes", [config](int64_t value) { config->set_reserve_bytes(value); },
      "Disk that stays free; saves are refused below (default 1 GiB)");
  app->add_option_function<bool>(
      "--reflection", [config](bool value) { config->set_reflection(value); },
      "Server reflection, which grpcurl uses (default true)");
  app->add_option_function<int32_t>(
      "--collect_seconds", [config](int32_t value) { config->set_collect_seconds(value); },
      "Seconds between two runs of the collector (default 10)");
}

// The file's configuration under the flags', with defaults.
absl::StatusOr<Config> ResultingConfig(const Flags& flags) {
  Config config;
  if (!flags.config_file.empty()) {
    CAIRN_ASSIGN_OR_RETURN(std::string text,
                           FileSystem::System()->ReadWhole(flags.config_file, kMaxConfigFileBytes),
                           "reading the configuration");
    CAIRN_ASSIGN_OR_RETURN(config, ParseConfig(text, flags.config_file));
  }
  config.MergeFrom(flags.config);
  config = WithDefaults(config);
  CAIRN_RETURN_IF_ERROR(ValidateConfig(config));
  return config;
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Serves until a stop signal comes; a second one then ends the process at once.
void ServeUntilSignal(Server* server, const storage::RocksDbEngine& engine) {
  const sigset_t signals = StopSignals();
  bool serving = true;
  while (sigtimedwait(&signals, nullptr, &kHealthPeriod) < 0) {
    if (serving && engine.read_only()) {
      serving = false;
      server->SetServing(false);
      CAIRN_LOG(kError) << "not serving: " << engine.health().message();
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

absl::Status Run(const Config& config) {
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<storage::RocksDbEngine> engine,
                         storage::RocksDbEngine::Open(config.data()));
  CAIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<storage::Store> store,
      storage::Store::Open({.table = engine->table(), .segments = engine->segments()}));
  CAIRN_ASSIGN_OR_RETURN(std::unique_ptr<Server> server, Server::Start(config, store.get()));
  std::cout << "READY " << server->address() << std::endl;
  ServeUntilSignal(server.get(), *engine);
  server->Drain(absl::Seconds(config.drain_seconds()));
  return absl::OkStatus();
}

// Libraries report what our own errors say better; their lines would stand between ours.
void QuietLibraries() {
  gpr_set_log_function(
      [](gpr_log_func_args* args) { CAIRN_LOG(kDebug) << "grpc: " << args->message; });
  google::protobuf::SetLogHandler(nullptr);
}

int Main(int argc, char** argv) {
  KeepLargeBlocks();
  // Before any thread starts, so that every thread has the mask and the signals wait for
  // sigtimedwait.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  QuietLibraries();
  CLI::App app("The Cairn server: keeps checkpoints in a folder and serves them over gRPC.",
               "cairnd");
  Flags flags;
  DefineFlags(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  absl::StatusOr<Config> config = ResultingConfig(flags);
  if (!config.ok()) return Fail(config.status(), kWrongUsage);
  if (flags.print_config) {
    std::cout << ConfigText(*config);
    return 0;
  }
  const absl::Status status = Run(*config);
  return status.ok() ? 0 : Fail(status, kFailure);
}

}  // namespace
}  // namespace cairn::server

int main(int argc, char** argv) { return cairn::server::Main(argc, argv); }
