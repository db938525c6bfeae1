// The commands of `cairn`: what main.cc parses for each, and what runs it.
#ifndef CAIRN_CLIENT_CLI_COMMAND_H_
#define CAIRN_CLIENT_CLI_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "client/cli/output.h"
#include "client/client.h"

namespace cairn::cli {

// What every command works with.
struct CommandContext {
  Client client;
  FileSystem* file_system;  // not owned, as is the clock
  Clock* clock;
  Output& output;
};

struct SaveArguments {
  std::string prefix;  // a path
  std::string directory;
  std::optional<int64_t> number;
  bool replace = false;
  bool incremental = false;              // do not send what the base holds
  std::optional<std::string> base = {};  // default: the latest, if there is one
  // Several writers of one checkpoint, of which this is one; all three or none.
  std::optional<std::string> session = {};
  std::optional<int> writers = {};
  std::optional<int> writer = {};  // from 0
};

struct ListArguments {
  std::string directory;  // empty: lists the directories
};

struct LatestArguments {
  std::string directory;
};

struct ShowArguments {
  std::string reference;
  std::vector<std::string> prefixes;
  std::vector<std::string> objects = {};  // object paths
  bool values = false;
};

struct RestoreArguments {
  std::string reference;
  std::string output;  // a path
  std::vector<std::string> prefixes;
  std::vector<std::string> keys;
  std::vector<std::string> objects = {};  // object paths
  std::optional<int> shards = {};         // data files of a TensorFlow checkpoint
  std::optional<int64_t> max_shard_bytes = {};
  bool saved_model = false;       // a SavedModel folder
  bool skip_unsupported = false;  // leave out what the format cannot hold
  bool force = false;
  bool state_file = true;  // a `checkpoint` file that names it, where the format has one
};

struct CatArguments {
  std::string reference;
  std::string name;  // of an attachment
};

struct ImportArguments {
  std::string folder;  // a path
  std::string directory;
  bool skip_missing = false;  // what the state file names and is not there
};

struct ExportArguments {
  std::string directory;
  std::string folder;  // a path
  bool force = false;
};

struct RemoveArguments {
  std::string reference;
};

struct SessionsArguments {
  std::string directory;
};

struct AbortArguments {
  std::string directory;
  std::string session;
};

struct CopyArguments {
  std::string reference;
  std::string directory;
  std::vector<std::string> renames = {};  // "FROM=TO"
  std::vector<std::string> includes = {};
  std::vector<std::string> excludes = {};
  std::optional<int64_t> number = {};
  bool replace = false;
};

struct UsageArguments {
  std::string of;  // a directory or a reference; empty: every directory
};

struct CollectArguments {
  bool wait = false;  // always so
};

// Each prints its result. Errors: usage errors (usage_error.h), those of Client, of FileSystem and
// of formats/tensor_bundle.
absl::Status RunSaveCommand(const SaveArguments& arguments, CommandContext& context);
absl::Status RunListCommand(const ListArguments& arguments, CommandContext& context);
absl::Status RunLatestCommand(const LatestArguments& arguments, CommandContext& context);
absl::Status RunShowCommand(const ShowArguments& arguments, CommandContext& context);
absl::Status RunRestoreCommand(const RestoreArguments& arguments, CommandContext& context);
absl::Status RunImportCommand(const ImportArguments& arguments, CommandContext& context);
absl::Status RunExportCommand(const ExportArguments& arguments, CommandContext& context);
absl::Status RunCatCommand(const CatArguments& arguments, CommandContext& context);
absl::Status RunRemoveCommand(const RemoveArguments& arguments, CommandContext& context);
absl::Status RunSessionsCommand(const SessionsArguments& arguments, CommandContext& context);
absl::Status RunAbortCommand(const AbortArguments& arguments, CommandContext& context);
absl::Status RunCopyCommand(const CopyArguments& arguments, CommandContext& context);
absl::Status RunUsageCommand(const UsageArguments& arguments, CommandContext& context);
absl::Status RunCollectCommand(const CollectArguments& arguments, CommandContext& context);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_COMMAND_H_
