#include "client/cli/saved_model_layout.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/key_text.h"
#include "formats/tensor_bundle/shard_files.h"

namespace cairn::cli {
namespace {

constexpr absl::string_view kGraphs[] = {"saved_model.pb", "saved_model.pbtxt"};

absl::Status BadName(absl::string_view name, absl::string_view found) {
  return InvalidField("attachment",
                      absl::StrCat("\"", name, "\" ", found,
                                   "; nothing is written: print it with `cairn cat` instead"));
}

absl::StatusOr<std::string> PathOf(const std::string& name) {
  CAIRN_ASSIGN_OR_RETURN(std::string path, BytesFromKeyText(name));
  if (absl::StrContains(path, '\0')) return BadName(name, "has a zero byte, as no path can");
  absl::string_view segments = path;
  absl::ConsumeSuffix(&segments, "/");  // of an empty folder
  for (absl::string_view segment : absl::StrSplit(segments, '/')) {
    if (segment.empty()) return BadName(name, "has an empty segment or is absolute");
    if (segment == "." || segment == "..") return BadName(name, "would leave the folder");
  }
  return path;
}

// Every folder above `path`: "a/", "a/b/" for "a/b/c" and for "a/b/c/".
std::vector<std::string> FoldersAbove(const std::string& path) {
  std::vector<std::string> folders;
  for (size_t slash = path.find('/'); slash != std::string::npos && slash + 1 < path.size();
       slash = path.find('/', slash + 1)) {
    folders.push_back(path.substr(0, slash + 1));
  }
  return folders;
}

}  // namespace

bool IsVariablesFile(absl::string_view path) {
  return path == absl::StrCat(kVariablesPrefix, ".index") ||
         PrefixOfShardPath(path) == absl::string_view(kVariablesPrefix);
}

bool IsSavedModelGraph(absl::string_view name) { return name == kGraphs[0] || name == kGraphs[1]; }

bool IsSavedModelFolder(FileSystem* file_system, const std::string& path) {
  if (!file_system->IsFolder(path)) return false;
  for (absl::string_view graph : kGraphs) {
    if (file_system->Exists(absl::StrCat(path, "/", graph))) return true;
  }
  return false;
}

absl::StatusOr<std::vector<std::string>> SavedModelPaths(absl::Span<const std::string> names) {
  std::vector<std::string> paths;
  paths.reserve(names.size());
  std::set<std::string> folders = {"variables/"};
  for (const std::string& name : names) {
    CAIRN_ASSIGN_OR_RETURN(std::string path, PathOf(name));
    for (std::string& folder : FoldersAbove(path)) folders.insert(std::move(folder));
    if (path.back() == '/') folders.insert(path);
    paths.push_back(std::move(path));
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    if (folders.contains(paths[i] + "/")) {
      return BadName(names[i], "is the name of a file and of a folder");
    }
    std::vector<std::string> on_the_way = FoldersAbove(paths[i]);
    on_the_way.push_back(paths[i]);
    for (absl::string_view step : on_the_way) {
      absl::ConsumeSuffix(&step, "/");
      if (IsVariablesFile(step)) return BadName(names[i], "is in the way of the variables' files");
    }
  }
  return paths;
}

}  // namespace cairn::cli
