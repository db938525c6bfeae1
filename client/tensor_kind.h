// The two name spaces of a checkpoint, in words.
#ifndef CAIRN_CLIENT_TENSOR_KIND_H_
#define CAIRN_CLIENT_TENSOR_KIND_H_

#include "absl/strings/string_view.h"
#include "cairn/v1/types.pb.h"

namespace cairn {

// "attachment" or "tensor", for messages.
inline absl::string_view NounOf(v1::TensorKind kind) {
  return kind == v1::TENSOR_KIND_ATTACHMENT ? "attachment" : "tensor";
}

}  // namespace cairn

#endif  // CAIRN_CLIENT_TENSOR_KIND_H_
