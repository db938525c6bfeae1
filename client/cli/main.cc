// The `cairn` command: parses the command line, runs one command, ends with its status.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "base/allocator.h"
#include "base/error.h"
#include "client/cli/command.h"
#include "client/cli/usage_error.h"

namespace cairn::cli {
namespace {

struct GlobalArguments {
  std::string server = "localhost:7070";
  bool json = false;
};

// One command's parser and what runs when it was chosen.
class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--server", global_.server, "The server, HOST:PORT")
        ->envname("CAIRN_SERVER")
        ->take_last()
        ->capture_default_str();
    app_.add_flag("--json", global_.json, "Print one JSON document");
    AddSave();
    AddList();
    AddLatest();
    AddShow();
    AddRestore();
    AddImport();
    AddExport();
    AddCat();
    AddRemove();
  }

  CLI::App& app() { return app_; }
  const GlobalArguments& global() const { return global_; }
  absl::Status Run(CommandContext& context) { return run_(context); }

 private:
  template <typename Arguments>
  void RunWith(CLI::App* command, const Arguments& arguments,
               absl::Status (*run)(const Arguments&, CommandContext&)) {
    command->callback([this, &arguments, run] {
      run_ = [&arguments, run](CommandContext& context) { return run(arguments, context); };
    });
  }

  void AddSave() {
    CLI::App* command =
        app_.add_subcommand("save", "Saves a checkpoint of TensorFlow or in safetensors");
    command
        ->add_option("PREFIX", save_.prefix,
                     "A checkpoint's prefix or one of its files, a folder with a `checkpoint` "
                     "file (its latest is taken), a SavedModel folder, a .safetensors file or the "
                     ".safetensors.index.json of several")
        ->required();
    command->add_option("DIRECTORY", save_.directory, "Where in the store, e.g. runs/mnist")
        ->required();
    command->add_option("--number", save_.number,
                        "Its number. Default: that in PREFIX (model.ckpt-1000), else the next");
    command->add_flag("--replace", save_.replace, "Take the place of a checkpoint of that number");
    RunWith(command, save_, RunSaveCommand);
  }

  void AddList() {
    CLI::App* command =
        app_.add_subcommand("ls", "Lists directories, or a directory's checkpoints by commit");
    command->add_option("DIRECTORY", list_.directory, "Whose checkpoints");
    RunWith(command, list_, RunListCommand);
  }

  void AddLatest() {
    CLI::App* command =
        app_.add_subcommand("latest", "Prints the reference of the checkpoint committed last");
    command->add_option("DIRECTORY", latest_.directory, "Of which directory")->required();
    RunWith(command, latest_, RunLatestCommand);
  }

  void AddShow() {
    CLI::App* command =
        app_.add_subcommand("show", "Lists a checkpoint's tensors by key, and its attachments");
    AddReference(command, &show_.reference);
    command->add_option("--prefix", show_.prefixes, "Only keys below this path; repeatable")
        ->expected(1)
        ->take_all();
    AddObjects(command, &show_.objects);
    command->add_flag("--values", show_.values, "With the first values of each");
    RunWith(command, show_, RunShowCommand);
  }

  void AddRestore() {
    CLI::App* command =
        app_.add_subcommand("restore",
                            "Writes a checkpoint or a part of it as TensorFlow's files, "
                            "or as a safetensors file");
    AddReference(command, &restore_.reference);
    command
        ->add_option("--output", restore_.output,
                     "Prefix of the files to write, or the one file if it ends with .safetensors")
        ->required();
    command->add_option("--prefix", restore_.prefixes, "Tensors below this path; repeatable")
        ->expected(1)
        ->take_all();
    command->add_option("--key", restore_.keys, "The tensor of this key; repeatable")
        ->expected(1)
        ->take_all();
    AddObjects(command, &restore_.objects);
    AddDataFiles(command);
    command->add_flag("--saved-model", restore_.saved_model,
                      "Write a SavedModel folder; --output names it");
    command->add_flag("--skip-unsupported", restore_.skip_unsupported,
                      "Leave out tensors that the files cannot hold, instead of failing");
    command->add_flag("--force", restore_.force,
                      "Replace files that are there, or a SavedModel folder");
    RunWith(command, restore_, RunRestoreCommand);
  }

  void AddDataFiles(CLI::App* command) {
    command
        ->add_option("--shards", restore_.shards,
                     "Write so many data files of about equal size. Default: 1")
        ->check(CLI::Range(1, std::numeric_limits<int>::max(), "N"));
    // CLI11 reads a negative size as a very large one.
    const CLI::Validator no_sign(
        [](const std::string& size) {
          return std::string(size.find('-') == std::string::npos ? "" : size + " is no size");
        },
        "");
    command
        ->add_option("--max-shard-bytes", restore_.max_shard_bytes,
                     "Begin a new data file before one passes this size: bytes, or 64MiB")
        ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
        ->transform(no_sign)  // comes first
        ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max(), "SIZE"))
        ->excludes("--shards");
  }

  void AddImport() {
    CLI::App* command = app_.add_subcommand(
        "import",
        "Saves all checkpoints of a TensorFlow folder, in its order; goes on if repeated");
    command->add_option("FOLDER", import_.folder, "A folder of checkpoints, with its state file")
        ->required();
    command->add_option("DIRECTORY", import_.directory, "Where in the store, e.g. runs/mnist")
        ->required();
    command->add_flag("--skip-missing", import_.skip_missing,
                      "Leave out what the state file lists and is not in FOLDER");
    RunWith(command, import_, RunImportCommand);
  }

  void AddExport() {
    CLI::App* command = app_.add_subcommand(
        "export",
        "Writes a directory as a TensorFlow folder that a CheckpointManager goes on with");
    command->add_option("DIRECTORY", export_.directory, "Whose checkpoints")->required();
    command->add_option("FOLDER", export_.folder, "Where to; an interrupted export goes on")
        ->required();
    command->add_flag("--force", export_.force, "Replace files that are there");
    RunWith(command, export_, RunExportCommand);
  }

  void AddCat() {
    CLI::App* command = app_.add_subcommand(
        "cat", "Prints an attachment: a file of a SavedModel, the graph of a Saver");
    AddReference(command, &cat_.reference);
    command->add_option("NAME", cat_.name, "Which one, as `cairn show` lists it")->required();
    RunWith(command, cat_, RunCatCommand);
  }

  void AddRemove() {
    CLI::App* command = app_.add_subcommand("rm", "Deletes a checkpoint");
    command->add_option("REFERENCE", remove_.reference, "DIRECTORY@NUMBER or DIRECTORY@uid:HEX")
        ->required();
    RunWith(command, remove_, RunRemoveCommand);
  }

  static void AddReference(CLI::App* command, std::string* reference) {
    command
        ->add_option("REFERENCE", *reference,
                     "DIRECTORY@NUMBER, DIRECTORY@latest, DIRECTORY@TAG or DIRECTORY@uid:HEX")
        ->required();
  }

  static void AddObjects(CLI::App* command, std::vector<std::string>* objects) {
    command
        ->add_option("--object", *objects,
                     "Tensors at or below this object of the saved program, e.g. model/l1, "
                     "whatever their keys; repeatable")
        ->expected(1)
        ->take_all();
  }

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
  std::function<absl::Status(CommandContext&)> run_;
};

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
