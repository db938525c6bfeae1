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
  bool values = false;
};

struct RestoreArguments {
  std::string reference;
  std::string output;  // a path
  std::vector<std::string> prefixes;
  std::vector<std::string> keys;
  bool force = false;
};

struct RemoveArguments {
  std::string reference;
};

// Each prints its result. Errors: usage errors (usage_error.h), those of Client, of FileSystem and
// of formats/tensor_bundle.
absl::Status RunSaveCommand(const SaveArguments& arguments, CommandContext& context);
absl::Status RunListCommand(const ListArguments& arguments, CommandContext& context);
absl::Status RunLatestCommand(const LatestArguments& arguments, CommandContext& context);
absl::Status RunShowCommand(const ShowArguments& arguments, CommandContext& context);
absl::Status RunRestoreCommand(const RestoreArguments& arguments, CommandContext& context);
absl::Status RunRemoveCommand(const RemoveArguments& arguments, CommandContext& context);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_COMMAND_H_
