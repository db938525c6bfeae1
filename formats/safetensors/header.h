// The header of a safetensors file: after its length in 8 bytes, JSON that tells every tensor's
// dtype, shape and place.
//
//   {"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
#ifndef CAIRN_FORMATS_SAFETENSORS_HEADER_H_
#define CAIRN_FORMATS_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn {

// Of the length at the front of a file.
inline constexpr int64_t kSafetensorsLengthBytes = 8;
// Of the JSON; the reference implementation reads no more.
inline constexpr int64_t kMaxSafetensorsHeaderBytes = 100'000'000;
// The name that no tensor can have.
inline constexpr char kSafetensorsMetadataName[] = "__metadata__";

// Free text by name, UTF-8.
using SafetensorsMetadata = std::map<std::string, std::string>;

struct SafetensorsEntry {
  std::string name;   // UTF-8, maybe empty
  std::string dtype;  // theirs: "F32"
  std::vector<int64_t> shape;
  // Bytes [begin, end) of those that follow the header.
  int64_t begin = 0;
  int64_t end = 0;
};

struct SafetensorsHeader {
  std::optional<SafetensorsMetadata> metadata;
  std::vector<SafetensorsEntry> tensors;  // in the order of their bytes, which are dense
};

// Reads `json`, the header of a file in which `data_bytes` bytes follow it. Every tensor's bytes
// are as many as dtype and shape say, and together they are all of the data, without holes or
// overlaps. Fields of a tensor that we do not know are passed over. Memory: the result, some 5
// times the text at most. Errors: kInvalidArgument naming tensor and field.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json,
                                                         int64_t data_bytes);

// The first bytes of a file: length, then `header` as the reference implementation writes it,
// padded with spaces to a multiple of 8. Equal headers give equal bytes. Requires: names, dtypes
// and metadata are UTF-8.
std::string EncodeSafetensorsHeader(const SafetensorsHeader& header);

// The value of `__metadata__` alone, {"format":"pt"}, and back. It is how it is kept.
std::string EncodeSafetensorsMetadata(const SafetensorsMetadata& metadata);
// Errors: kInvalidArgument (no object of texts, or a name twice).
absl::StatusOr<SafetensorsMetadata> ParseSafetensorsMetadata(absl::string_view json);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_HEADER_H_
