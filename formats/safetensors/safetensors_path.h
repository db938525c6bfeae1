// Which paths mean safetensors files.
#ifndef CAIRN_FORMATS_SAFETENSORS_SAFETENSORS_PATH_H_
#define CAIRN_FORMATS_SAFETENSORS_SAFETENSORS_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace cairn {

// "x.safetensors": one file.
bool IsSafetensorsFile(absl::string_view path);
// "model.safetensors.index.json" or, of a variant, "model.safetensors.index.fp16.json": the index
// of several files.
bool IsSafetensorsIndex(absl::string_view path);

// The path of the one index in `folder` or else of the one file; empty if neither is there. Files
// beside an index are taken as those that it names. Errors: kInvalidArgument with
// ERROR_REASON_BAD_FILE (several, all named), those of FileSystem.
absl::StatusOr<std::string> FindSafetensors(FileSystem* file_system, const std::string& folder);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_SAFETENSORS_PATH_H_
