// What the command line of `cairn` says.
#ifndef CAIRN_CLIENT_CLI_COMMAND_LINE_H_
#define CAIRN_CLIENT_CLI_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/command.h"

namespace cairn::cli {

struct GlobalArguments {
  std::string server = "localhost:7070";
  bool json = false;
};

// The parser of all commands, and what runs when one was chosen. One thread. Not movable: the
// parser points into it.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App& app() { return app_; }
  const GlobalArguments& global() const { return global_; }
  // Requires: app() has parsed.
  absl::Status Run(CommandContext& context) { return run_(context); }

 private:
  template <typename Arguments>
  void RunWith(CLI::App* command, const Arguments& arguments,
               absl::Status (*run)(const Arguments&, CommandContext&));

  void AddSave();
  void AddList();
  void AddLatest();
  void AddShow();
  void AddRestore();
  void AddDataFiles(CLI::App* command);
  void AddImport();
  void AddExport();
  void AddCat();
  void AddRemove();
  void AddSessions();
  void AddAbort();
  void AddCopy();
  void AddUsage();
  void AddAdmin();

  CLI::App app_{"Saves, lists and restores checkpoints on a Cairn server.", "cairn"};
  GlobalArguments global_;
  SaveArguments save_;
  ListArguments list_;
  LatestArguments latest_;
  ShowArguments show_;
  RestoreArguments restore_;
  ImportArguments import_;
  ExportArguments export_;
  CatArguments cat_;
  RemoveArguments remove_;
  SessionsArguments sessions_;
  AbortArguments abort_;
  CopyArguments copy_;
  UsageArguments usage_;
  CollectArguments collect_;
  std::function<absl::Status(CommandContext&)> run_;
};

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_COMMAND_LINE_H_
