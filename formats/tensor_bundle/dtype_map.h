// TensorFlow's DataType numbers and our names of element types.
#ifndef CAIRN_FORMATS_TENSOR_BUNDLE_DTYPE_MAP_H_
#define CAIRN_FORMATS_TENSOR_BUNDLE_DTYPE_MAP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace cairn {

// How a data file holds a tensor's bytes, and what its checksum covers.
enum class BundleEncoding {
  kPlain,    // the elements as they are; the checksum is crc32c of these bytes
  kString,   // lengths, their checksum, the strings (string_tensor.h)
  kVariant,  // length, message and checksum of each element in turn (variant_tensor.h)
  kUnknown,  // a type of a later TensorFlow: neither its width nor its checksum is known
};

struct BundleDtype {
  std::string name;  // ours: "float32"; "tf:<number>" for variants, quantised and unknown types
  BundleEncoding encoding;
  int item_bytes;  // 0 unless kPlain
};

// What TensorFlow's `number` means. nullopt: 0 (DT_INVALID) or negative, which no tensor has.
std::optional<BundleDtype> BundleDtypeFromNumber(int32_t number);

// TensorFlow's number for our dtype `name`. nullopt: TensorFlow has no such type.
std::optional<int32_t> BundleDtypeNumber(absl::string_view name);

}  // namespace cairn

#endif  // CAIRN_FORMATS_TENSOR_BUNDLE_DTYPE_MAP_H_
