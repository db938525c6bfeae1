// What a saver may say of a slice: the rules of SliceWriter::Append that need no state.
#ifndef CAIRN_STORAGE_SLICE_SPEC_H_
#define CAIRN_STORAGE_SLICE_SPEC_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/store.h"

namespace cairn::storage {

inline constexpr int64_t kMaxSliceBytes = int64_t{1} << 50;

// Checks a slice and returns how many bytes it has; nullopt where elements have no fixed width, so
// that only the saver knows. Errors: kInvalidArgument.
absl::StatusOr<std::optional<int64_t>> ValidateSlice(const SliceSpec& slice);

// Checks that a part of the slice may begin at `offset`. Errors: kInvalidArgument.
absl::Status ValidatePartStart(const SliceSpec& slice, int64_t offset,
                               std::optional<int64_t> slice_bytes);

// Checks the length of a slice that ended and has no fixed width. Errors: kInvalidArgument.
absl::Status ValidateVariableBytes(const SliceSpec& slice, int64_t slice_bytes);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_SLICE_SPEC_H_
