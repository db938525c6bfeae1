#include "client/cli/command_line.h"

#include <cstdint>
#include <limits>

namespace cairn::cli {
namespace {

void AddReference(CLI::App* command, std::string* reference) {
  command
      ->add_option("REFERENCE", *reference,
                   "DIRECTORY@NUMBER, DIRECTORY@latest, DIRECTORY@TAG or DIRECTORY@uid:HEX")
      ->required();
}

// An option that may be given several times, one value each.
void AddRepeatable(CLI::App* command, const std::string& name, std::vector<std::string>* values,
                   const std::string& help) {
  command->add_option(name, *values, help + "; repeatable")->expected(1)->take_all();
}

void AddObjects(CLI::App* command, std::vector<std::string>* objects) {
  AddRepeatable(command, "--object", objects,
                "Tensors at or below this object of the saved program, e.g. model/l1, "
                "whatever their keys");
}

}  // namespace

CommandLine::CommandLine() {
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
  AddSessions();
  AddAbort();
  AddCopy();
  AddUsage();
  AddAdmin();
}

template <typename Arguments>
void CommandLine::RunWith(CLI::App* command, const Arguments& arguments,
                          absl::Status (*run)(const Arguments&, CommandContext&)) {
  command->callback([this, &arguments, run] {
    run_ = [&arguments, run](CommandContext& context) { return run(arguments, context); };
  });
}

void CommandLine::AddSave() {
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
  command->add_flag("--incremental", save_.incremental,
                    "Send only what the latest checkpoint there, or --base, does not hold");
  command->add_option("--base", save_.base,
                      "The checkpoint to compare with: NUMBER, TAG, latest or uid:HEX");
  command->add_option("--session", save_.session,
                      "Save a share as one of several writers, who all name this session");
  command->add_option("--writers", save_.writers, "How many they are");
  command->add_option("--writer", save_.writer, "Which of them this is, from 0; the last commits");
  RunWith(command, save_, RunSaveCommand);
}

void CommandLine::AddList() {
  CLI::App* command =
      app_.add_subcommand("ls", "Lists directories, or a directory's checkpoints by commit");
  command->add_option("DIRECTORY", list_.directory, "Whose checkpoints");
  RunWith(command, list_, RunListCommand);
}

void CommandLine::AddLatest() {
  CLI::App* command =
      app_.add_subcommand("latest", "Prints the reference of the checkpoint committed last");
  command->add_option("DIRECTORY", latest_.directory, "Of which directory")->required();
  RunWith(command, latest_, RunLatestCommand);
}

void CommandLine::AddShow() {
  CLI::App* command =
      app_.add_subcommand("show", "Lists a checkpoint's tensors by key, and its attachments");
  AddReference(command, &show_.reference);
  AddRepeatable(command, "--prefix", &show_.prefixes, "Only keys below this path");
  AddObjects(command, &show_.objects);
  command->add_flag("--values", show_.values, "With the first values of each");
  RunWith(command, show_, RunShowCommand);
}

void CommandLine::AddRestore() {
  CLI::App* command =
      app_.add_subcommand("restore",
                          "Writes a checkpoint or a part of it as TensorFlow's files, "
                          "or as a safetensors file");
  AddReference(command, &restore_.reference);
  command
      ->add_option("--output", restore_.output,
                   "Prefix of the files to write, or the one file if it ends with .safetensors")
      ->required();
  AddRepeatable(command, "--prefix", &restore_.prefixes, "Tensors below this path");
  AddRepeatable(command, "--key", &restore_.keys, "The tensor of this key");
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

void CommandLine::AddDataFiles(CLI::App* command) {
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

void CommandLine::AddImport() {
  CLI::App* command = app_.add_subcommand(
      "import", "Saves all checkpoints of a TensorFlow folder, in its order; goes on if repeated");
  command->add_option("FOLDER", import_.folder, "A folder of checkpoints, with its state file")
      ->required();
  command->add_option("DIRECTORY", import_.directory, "Where in the store, e.g. runs/mnist")
      ->required();
  command->add_flag("--skip-missing", import_.skip_missing,
                    "Leave out what the state file lists and is not in FOLDER");
  RunWith(command, import_, RunImportCommand);
}

void CommandLine::AddExport() {
  CLI::App* command = app_.add_subcommand(
      "export", "Writes a directory as a TensorFlow folder that a CheckpointManager goes on with");
  command->add_option("DIRECTORY", export_.directory, "Whose checkpoints")->required();
  command->add_option("FOLDER", export_.folder, "Where to; an interrupted export goes on")
      ->required();
  command->add_flag("--force", export_.force, "Replace files that are there");
  RunWith(command, export_, RunExportCommand);
}

void CommandLine::AddCat() {
  CLI::App* command = app_.add_subcommand(
      "cat", "Prints an attachment: a file of a SavedModel, the graph of a Saver");
  AddReference(command, &cat_.reference);
  command->add_option("NAME", cat_.name, "Which one, as `cairn show` lists it")->required();
  RunWith(command, cat_, RunCatCommand);
}

void CommandLine::AddRemove() {
  CLI::App* command = app_.add_subcommand("rm", "Deletes a checkpoint");
  command->add_option("REFERENCE", remove_.reference, "DIRECTORY@NUMBER or DIRECTORY@uid:HEX")
      ->required();
  RunWith(command, remove_, RunRemoveCommand);
}

void CommandLine::AddSessions() {
  CLI::App* command = app_.add_subcommand("sessions", "Lists the saves of a directory by session");
  command->add_option("DIRECTORY", sessions_.directory, "Of which directory")->required();
  RunWith(command, sessions_, RunSessionsCommand);
}

void CommandLine::AddAbort() {
  CLI::App* command = app_.add_subcommand("abort", "Ends a save that has not been committed");
  command->add_option("DIRECTORY", abort_.directory, "Where it saves")->required();
  command->add_option("SESSION", abort_.session, "Its id, as `cairn sessions` lists it")
      ->required();
  RunWith(command, abort_, RunAbortCommand);
}

void CommandLine::AddCopy() {
  CLI::App* command = app_.add_subcommand(
      "copy", "Makes a checkpoint of another one's bytes, which do not move, under other keys");
  AddReference(command, &copy_.reference);
  command->add_option("DIRECTORY", copy_.directory, "Where the copy is")->required();
  AddRepeatable(command, "--rename", &copy_.renames,
                "FROM=TO: the key FROM becomes TO, and so does what keys below it begin with");
  AddRepeatable(command, "--include", &copy_.includes, "Only keys below this path");
  AddRepeatable(command, "--exclude", &copy_.excludes, "No keys below this path");
  command->add_option("--number", copy_.number, "Its number. Default: the directory's next");
  command->add_flag("--replace", copy_.replace, "Take the place of a checkpoint of that number");
  RunWith(command, copy_, RunCopyCommand);
}

void CommandLine::AddUsage() {
  CLI::App* command =
      app_.add_subcommand("du", "Tells what checkpoints take, share, and would free if deleted");
  command->add_option("DIRECTORY|REFERENCE", usage_.of, "Of what. Default: every directory");
  RunWith(command, usage_, RunUsageCommand);
}

void CommandLine::AddAdmin() {
  CLI::App* admin = app_.add_subcommand("admin", "What an operator asks of the server");
  admin->require_subcommand(1);
  CLI::App* collect = admin->add_subcommand("collect", "Frees now what nothing needs any more");
  collect->add_flag("--wait", collect_.wait, "Return when it is done, which is always so");
  RunWith(collect, collect_, RunCollectCommand);
}

}  // namespace cairn::cli
