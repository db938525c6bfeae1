// What lies where in a SavedModel folder: the variables are a TensorFlow checkpoint, everything
// else is an attachment that is named by its path.
#ifndef CAIRN_CLIENT_CLI_SAVED_MODEL_LAYOUT_H_
#define CAIRN_CLIENT_CLI_SAVED_MODEL_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/file_system.h"

namespace cairn::cli {

inline constexpr char kVariablesPrefix[] = "variables/variables";

// Whether `path` in a SavedModel is one of the variables' own files.
bool IsVariablesFile(absl::string_view path);

// Whether `name` is the one file that makes a folder a SavedModel: saved_model.pb or .pbtxt.
bool IsSavedModelGraph(absl::string_view name);

// Whether there is a folder at `path` that holds such a file.
bool IsSavedModelFolder(FileSystem* file_system, const std::string& path);

// The paths in a folder that attachments of these names (in text form) stand for; those of empty
// folders end in '/'. Errors: kInvalidArgument with ERROR_REASON_INVALID_FIELD, naming the first of
// them that would leave the folder, be no path, or be in the way of another one or of the
// variables.
absl::StatusOr<std::vector<std::string>> SavedModelPaths(absl::Span<const std::string> names);

}  // namespace cairn::cli

#endif  // CAIRN_CLIENT_CLI_SAVED_MODEL_LAYOUT_H_
