// Tensors that stand in a SaveCheckpoint request itself, as bytes or as values that people type.
#ifndef CAIRN_SERVER_INLINE_TENSOR_H_
#define CAIRN_SERVER_INLINE_TENSOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cairn/v1/checkpoint_service.pb.h"
#include "storage/store.h"

namespace cairn::server {

struct InlineSlice {
  storage::SliceSpec spec;
  std::string bytes;
};

// The slice that `tensor` describes, all checked: key, dtype, shape, box, and that the dtype holds
// every value (reals are rounded; integers must be exact). `field` names it in errors,
// "tensors[3]". Errors: kInvalidArgument naming the field.
absl::StatusOr<InlineSlice> InlineSliceOf(const v1::InlineTensor& tensor, absl::string_view field);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_INLINE_TENSOR_H_
