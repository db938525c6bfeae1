#include "client/save.h"

#include <utility>

namespace cairn {

SliceToSave WholeTensor(absl::string_view key, absl::string_view dtype, std::vector<int64_t> shape,
                        absl::string_view bytes) {
  SliceToSave slice;
  slice.key = std::string(key);
  slice.dtype = std::string(dtype);
  slice.box = WholeBox(shape);
  slice.shape = std::move(shape);
  slice.bytes_count = static_cast<int64_t>(bytes.size());
  slice.bytes = bytes;
  return slice;
}

SliceToSave Attachment(absl::string_view name, absl::string_view bytes) {
  SliceToSave slice = WholeTensor(name, "bytes", {}, bytes);
  slice.kind = v1::TENSOR_KIND_ATTACHMENT;
  return slice;
}

}  // namespace cairn
