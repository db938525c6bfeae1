#include "formats/safetensors/safetensors_path.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"

namespace cairn {
namespace {

constexpr absl::string_view kSuffix = ".safetensors";

absl::string_view LastPart(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace

bool IsSafetensorsFile(absl::string_view path) { return absl::EndsWith(path, kSuffix); }

bool IsSafetensorsIndex(absl::string_view path) {
  absl::string_view name = LastPart(path);
  return absl::ConsumeSuffix(&name, ".json") &&
         absl::StrContains(absl::StrCat(name, "."), ".safetensors.index.");
}

absl::StatusOr<std::string> FindSafetensors(FileSystem* file_system, const std::string& folder) {
  CAIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->ListFolder(folder));
  std::vector<std::string> files;
  std::vector<std::string> indexes;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", name);
    if (file_system->IsFolder(path)) continue;
    if (IsSafetensorsIndex(name)) {
      indexes.push_back(std::move(path));
    } else if (IsSafetensorsFile(name)) {
      files.push_back(std::move(path));
    }
  }
  const std::vector<std::string>& found = indexes.empty() ? files : indexes;
  if (found.size() > 1) {
    return MakeError(
        ErrorReason::ERROR_REASON_BAD_FILE, absl::StatusCode::kInvalidArgument,
        absl::StrCat("cannot choose among the safetensors files of ", KeyTextFromBytes(folder),
                     ": give one of ", KeyTextFromBytes(absl::StrJoin(found, ", "))),
        {{"path", KeyTextFromBytes(folder)}});
  }
  return found.empty() ? "" : found.front();
}

}  // namespace cairn
