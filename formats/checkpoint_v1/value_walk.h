// Walks the values of a TensorProto in our layout, from any point on.
#ifndef CAIRN_FORMATS_CHECKPOINT_V1_VALUE_WALK_H_
#define CAIRN_FORMATS_CHECKPOINT_V1_VALUE_WALK_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "formats/checkpoint_v1/read_window.h"
#include "formats/checkpoint_v1/tensor_values.h"
#include "formats/checkpoint_v1/wire.h"

namespace cairn {

// What meets the values. Each returns whether the walk goes on, or an error that ends it.
struct ValueVisitor {
  // Numbers in our layout, some at a time, and the point after them.
  absl::FunctionRef<absl::StatusOr<bool>(absl::string_view bytes, const ValuePoint& after)> numbers;
  // A string, and the point before it.
  absl::FunctionRef<absl::StatusOr<bool>(const WireField& field, const ValuePoint& before)> string;
  // A field that holds no values of the encoding.
  absl::FunctionRef<absl::Status(const WireField& field)> other;
};

// From `start` to `message_end` of `window`. Errors: kDataLoss (it does not parse; numbers that end
// within one), those of `visitor` and the window.
absl::Status WalkValues(ReadWindow* window, const ValueEncoding& encoding, ValuePoint start,
                        int64_t message_end, const ValueVisitor& visitor);

}  // namespace cairn

#endif  // CAIRN_FORMATS_CHECKPOINT_V1_VALUE_WALK_H_
