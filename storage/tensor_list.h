// What a checkpoint holds, tensor by tensor: the slice rows of each, folded.
#ifndef CAIRN_STORAGE_TENSOR_LIST_H_
#define CAIRN_STORAGE_TENSOR_LIST_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine/table.h"
#include "storage/store.h"

namespace cairn::storage {

// As Store::ListTensors. `after` is the last key that was listed.
absl::StatusOr<ListPage<TensorInfo>> ListTensors(Table* table, const CheckpointRecord& checkpoint,
                                                 const Selector& selector, bool with_slices,
                                                 absl::string_view after, int page_size);

// As Store::GetTensor; with its slices.
absl::StatusOr<TensorInfo> GetTensor(Table* table, const CheckpointRecord& checkpoint,
                                     TensorKind kind, absl::string_view key);

// The error for a selector that matches nothing: kNotFound with reason TENSOR_NOT_FOUND. It names
// up to two keys on either side of where the key or prefix would stand, or some of the set's. An
// error of its own if they cannot be read.
absl::Status SelectedNotFound(Table* table, const CheckpointRecord& checkpoint,
                              const Selector& selector);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_TENSOR_LIST_H_
