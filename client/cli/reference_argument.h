// How arguments name directories, checkpoints and keys. They take the escapes of the output: `\xhh`
// stands for a byte.
#ifndef CAIRN_CLIENT_CLI_REFERENCE_ARGUMENT_H_
#define CAIRN_CLIENT_CLI_REFERENCE_ARGUMENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn::cli {

struct ReferenceArgument {
  std::string directory;
  std::string checkpoint;  // a reference of the API's; "latest" unless the argument says otherwise
};

// "runs/mnist@10", "runs/mnist@latest", "runs/mnist@uid:<hex>", "runs/mnist". What stands after the
// @ is the server's to judge. Errors: usage (no directory, or nothing after the @).
absl::StatusOr<ReferenceArgument> ParseReference(absl::string_view argument);

// One that names what is to be deleted. Errors: usage (no @, or neither a number nor a uid
// follows).
absl::StatusOr<ReferenceArgument> ParseReferenceToDelete(absl::string_view argument);

// The path of a directory. Errors: usage (empty, or with an @).
absl::StatusOr<std::string> ParseDirectory(absl::string_view argument);

// The text form of the key that is meant: other bytes may stand for themselves.
std::string KeyFromArgument(absl::string_view argument);
// Likewise; a '/' at the end is dropped.
std::string PrefixFromArgument(absl::string_view argument);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_REFERENCE_ARGUMENT_H_
