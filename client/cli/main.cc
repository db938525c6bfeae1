// The `cairn` command: parses the command line, runs one command, ends with its status.

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/allocator.h"
#include "base/error.h"
#include "client/cli/command_line.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

Output MakeOutput(bool json) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  return Output(
      std::cout, std::cerr,
      {.json = json,
       .show_progress = terminal,
       .colors = terminal && std::getenv("NO_COLOR") == nullptr});  // NOLINT(concurrency-mt-unsafe)
}

absl::Status Run(CommandLine& command_line, Output& output) {
  absl::StatusOr<Client> client = Client::Connect(command_line.global().server);
  if (!client.ok()) return UsageError(client.status().message());
  CommandContext context{*std::move(client), FileSystem::System(), Clock::System(), output};
  return command_line.Run(context);
}

int Main(int argc, char** argv) {
  CommandLine command_line;
  try {
    command_line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return command_line.app().exit(error);  // --help
    const bool json = std::any_of(argv, argv + argc,
                                  [](const std::string& argument) { return argument == "--json"; });
    const absl::Status status =
        UsageError(std::string(error.what()) + "; `cairn --help` tells what there is");
    MakeOutput(json).PrintError(status);
    return ExitStatus(status);
  }
  Output output = MakeOutput(command_line.global().json);
  const absl::Status status = Run(command_line, output);
  if (!status.ok()) output.PrintError(status);
  return ExitStatus(status);
}

}  // namespace
}  // namespace cairn::cli

int main(int argc, char** argv) {
  cairn::KeepLargeBlocks();
  return cairn::cli::Main(argc, argv);
}
