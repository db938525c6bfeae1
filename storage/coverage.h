// Whether the slices of each tensor cover it, each element once. Tilings need not be grids.
#ifndef CAIRN_STORAGE_COVERAGE_H_
#define CAIRN_STORAGE_COVERAGE_H_

#include "absl/status/statusor.h"
#include "base/uid.h"
#include "storage/engine/table.h"
#include "storage/manifest.h"

namespace cairn::storage {

// Reads a manifest once, with the memory of one tensor, and checks every tensor in it; the summary
// is what WriteManifestEnd takes. Errors: kFailedPrecondition with reason SLICES_DISAGREE (dtype,
// shape or partial), SLICES_OVERLAP or SLICES_MISSING (a hole, unless the tensor's slices say
// `partial`; or a part of a slice), naming key, boxes and writers; kDataLoss (a row is damaged).
absl::StatusOr<ManifestSummary> CheckCoverage(Table* table, const Uid& manifest);

}  // namespace cairn::storage

#endif  // CAIRN_STORAGE_COVERAGE_H_
