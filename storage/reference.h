// How a call names a checkpoint of a directory.
#ifndef CAIRN_STORAGE_REFERENCE_H_
#define CAIRN_STORAGE_REFERENCE_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/uid.h"

namespace cairn::storage {

// The checkpoint committed last.
struct LatestReference {
  friend bool operator==(const LatestReference&, const LatestReference&) = default;
};

struct TagReference {
  std::string tag;
  friend bool operator==(const TagReference&, const TagReference&) = default;
};

// int64_t: a checkpoint's number. Uid: its uid.
using Reference = std::variant<LatestReference, int64_t, TagReference, Uid>;

// Reads a number ("12"), "latest" or nothing, a tag ("prod") or "uid:" and 32 lowercase hex digits.
// Errors: kInvalidArgument (anything else), kUnimplemented with reason NOT_YET ("best").
absl::StatusOr<Reference> ParseReference(absl::string_view text);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_REFERENCE_H_
