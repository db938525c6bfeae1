// The index of a checkpoint in several safetensors files: JSON that tells for each tensor which
// file it is in.
//
//   {"metadata":{"total_size":24},"weight_map":{"w":"model-00001-of-00002.safetensors"}}
#ifndef CAIRN_FORMATS_SAFETENSORS_INDEX_FILE_H_
#define CAIRN_FORMATS_SAFETENSORS_INDEX_FILE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cairn {

// A tensor's name to the file that it is in. The file is a name in the folder of the index,
// whatever path the index has, so that none leads out of it.
using SafetensorsWeightMap = std::map<std::string, std::string>;

// Reads the weight_map of `json`; everything else is passed over. Memory: some 5 times the text.
// Errors: kInvalidArgument (not of that form, no tensor at all, a tensor twice, a path without a
// name), naming the tensor.
absl::StatusOr<SafetensorsWeightMap> ParseSafetensorsIndex(absl::string_view json);

}  // namespace cairn

#endif  // CAIRN_FORMATS_SAFETENSORS_INDEX_FILE_H_
