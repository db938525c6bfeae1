#include "storage/directory_path.h"

#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/key_text.h"
#include "storage/store.h"

namespace cairn::storage {
namespace {

constexpr size_t kMaxSegmentBytes = 255;

absl::Status DirectoryError(absl::string_view description) {
  return InvalidField("directory",
                      absl::StrCat(description, "; a directory is a path such as team/run-7"));
}

// A key's text form is its bytes as long as they are printable UTF-8, but for the backslash.
bool IsPrintable(absl::string_view text) {
  const std::string plain = absl::StrReplaceAll(text, {{"\\", ""}});
  return KeyTextFromBytes(plain) == plain;
}

absl::Status ValidateSegment(absl::string_view segment) {
  if (segment.empty()) {
    return DirectoryError(
        "has an empty segment; single slashes stand between segments, none at the ends");
  }
  if (segment == "." || segment == "..") {
    return DirectoryError(
        absl::StrCat("has a segment '", segment, "'; paths are absolute, leave it out"));
  }
  if (segment.size() > kMaxSegmentBytes) {
    return DirectoryError(absl::StrCat("has a segment of ", segment.size(), " bytes; at most ",
                                       kMaxSegmentBytes, " are allowed"));
  }
  if (!IsPrintable(segment)) {
    return DirectoryError(absl::StrCat("has the segment '", KeyTextFromBytes(segment),
                                       "', which is not printable UTF-8"));
  }
  if (segment.find('@') != absl::string_view::npos) {
    return DirectoryError(
        absl::StrCat("has the segment '", segment,
                     "'; what follows an '@' goes into the field for the checkpoint"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateDirectory(absl::string_view directory) {
  if (directory.empty()) return DirectoryError("is missing");
  if (directory.size() > kMaxDirectoryBytes) {
    return DirectoryError(absl::StrCat("has ", directory.size(), " bytes; at most ",
                                       kMaxDirectoryBytes, " are allowed"));
  }
  const std::vector<absl::string_view> segments = absl::StrSplit(directory, '/');
  if (segments.size() > kMaxDirectoryDepth) {
    return DirectoryError(absl::StrCat("is ", segments.size(), " segments deep; at most ",
                                       kMaxDirectoryDepth, " are allowed"));
  }
  for (const absl::string_view segment : segments) CAIRN_RETURN_IF_ERROR(ValidateSegment(segment));
  return absl::OkStatus();
}

char CatalogShard(absl::string_view directory) {
  const absl::string_view first = directory.substr(0, directory.find('/'));
  return static_cast<char>(XXH3_64bits(first.data(), first.size()) % kCatalogShards);
}

}  // namespace cairn::storage
